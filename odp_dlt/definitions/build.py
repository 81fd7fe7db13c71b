"""A configuration folder → one `dg.Definitions`."""

import os
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from odp_dlt.definitions.assets import asset_definitions
from odp_dlt.definitions.automation import AUTOMATION, automation
from odp_dlt.definitions.jobs import executor
from odp_dlt.definitions.plan import plan
from odp_dlt.definitions.resources import resource_definitions
from odp_dlt.definitions.sensor_values import sensor_resources
from odp_dlt.definitions.soda import soda_definitions
from odp_dlt.pipeline.collector import collected_rarely
from odp_dlt.schema.model import Schema
from odp_dlt.workflow.load import load_workflow
from odp_dlt.workflow.models import Workflow

CONFIG_VARIABLE = "ODP_CONFIG_PATH"


def build_definitions(config_dir: str | Path | None = None) -> dg.Definitions:
    """All assets, jobs, triggers and resources of the configuration folder `config_dir`.

    Without one it is what ODP_CONFIG_PATH names, else `odp_config` in the working directory. Reads
    the workflow files, schema files and the text of source modules; executes and opens nothing.
    Raises a ConfigError that lists what is wrong.
    """
    folder = Path(config_dir or os.environ.get(CONFIG_VARIABLE) or "odp_config")
    return definitions_of(load_workflow(folder))


def definitions_of(
    workflow: Workflow,
    discovered: Mapping[str, Schema] | None = None,
    automation_name: str = AUTOMATION,
) -> dg.Definitions:
    """The same of a workflow that is read already; `discovered` as in `plan`.

    `automation_name` is that of the sensor for `automation`, if an asset has any; where several
    workflows are in one code location, each needs another.
    """
    with collected_rarely():  # half of the time goes into looking for garbage that is not there
        return _definitions(workflow, discovered, automation_name)


def _definitions(
    workflow: Workflow, discovered: Mapping[str, Schema] | None, automation_name: str
) -> dg.Definitions:
    planned = plan(workflow, discovered)
    assets = asset_definitions(planned)
    resources = {**resource_definitions(workflow), **sensor_resources(planned)}
    automated = automation(planned, assets, resources, automation_name)
    defs = dg.Definitions(
        assets=assets,
        asset_checks=soda_definitions(planned, assets),
        jobs=[job.definition for job in automated.jobs],
        schedules=automated.schedules,
        sensors=automated.sensors,
        executor=executor(workflow.executor),
        resources=resources,
    )
    automated.check(defs)
    return defs
