"""A configuration folder → one `dg.Definitions`."""

import os
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from odp_dlt.definitions.assets import asset_definitions
from odp_dlt.definitions.automation import job_definitions
from odp_dlt.definitions.plan import plan
from odp_dlt.definitions.resources import resource_definitions
from odp_dlt.schema.model import Schema
from odp_dlt.workflow.load import load_workflow
from odp_dlt.workflow.models import Workflow

CONFIG_VARIABLE = "ODP_CONFIG_PATH"


def build_definitions(config_dir: str | Path | None = None) -> dg.Definitions:
    """All assets, jobs and resources of the configuration folder `config_dir`.

    Without one it is what ODP_CONFIG_PATH names, else `odp_config` in the working directory. Reads
    the workflow files, schema files and the text of source modules; executes and opens nothing.
    Raises a ConfigError that lists what is wrong.
    """
    folder = Path(config_dir or os.environ.get(CONFIG_VARIABLE) or "odp_config")
    return definitions_of(load_workflow(folder))


def definitions_of(
    workflow: Workflow, discovered: Mapping[str, Schema] | None = None
) -> dg.Definitions:
    """The same of a workflow that is read already; `discovered` as in `plan`."""
    planned = plan(workflow, discovered)
    assets = asset_definitions(planned)
    return dg.Definitions(
        assets=assets,
        jobs=job_definitions(workflow, assets),
        resources=resource_definitions(workflow),
    )
