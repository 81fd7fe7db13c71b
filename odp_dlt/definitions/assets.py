"""One workflow asset → Dagster assets: one loop for every task type."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import dagster as dg

from odp_dlt.definitions.attributes import asset_key, op_arguments, spec
from odp_dlt.definitions.checks import planned_checks
from odp_dlt.definitions.launch import config_schema
from odp_dlt.definitions.plan import Plan, PlannedAsset, defined_keys
from odp_dlt.definitions.sensor_values import needed_resources
from odp_dlt.definitions.step import run_step
from odp_dlt.errors import ConfigError
from odp_dlt.workflow.load import together
from odp_dlt.workflow.tables import tables_that_are_none


def asset_definitions(plan: Plan) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """All assets that the workflow makes, and one without code for each source outside.

    ConfigError that lists all that Dagster does not take.
    """
    made: list[dg.AssetsDefinition] = []
    problems: list[ConfigError] = []
    for planned in plan.assets:
        tables = [one.key.rpartition("/")[2] for one in planned.makes]
        problems += tables_that_are_none(planned.asset, tables)
        try:
            made.append(_definition(planned))
        except ConfigError as e:
            problems.append(e)
    if problems:
        raise together(problems)
    return [*_external(plan), *made]


def _external(plan: Plan) -> Iterator[dg.AssetSpec]:
    """The sources outside; each is in the group of the first asset that names it."""
    own = set(defined_keys(plan.assets))
    readers: dict[str, list[PlannedAsset]] = {}
    for planned in plan.assets:
        for external in dict.fromkeys(made.external for made in planned.makes):
            if external is not None and external not in own:
                readers.setdefault(external, []).append(planned)
    for external, found in readers.items():
        names = ", ".join(one.asset.asset_key for one in found)
        yield dg.AssetSpec(
            asset_key(external),
            group_name=found[0].asset.group_name,
            description=f"A source outside, read by {names}.",
        )


def _definition(planned: PlannedAsset) -> dg.AssetsDefinition:
    version = planned.asset.code_version or _code_version(planned)
    checks = planned_checks(planned)

    @dg.multi_asset(
        name=planned.op_name,
        specs=[spec(planned, made, version) for made in planned.makes],
        check_specs=[check.spec() for check in checks],
        can_subset=planned.asset.selection_mode == "resource",
        partitions_def=planned.partitions,
        required_resource_keys={*planned.resource_keys.values(), *needed_resources(planned)},
        config_schema=config_schema(planned.op_name, planned.launch_params),
        **op_arguments(planned.asset),
    )
    def step(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        yield from run_step(context, planned, version, checks)

    return step


def _code_version(planned: PlannedAsset) -> str:
    """A hash of what decides what a run makes of the same data: code, params, planned columns."""
    files = sorted({made.file for made in planned.makes if made.file is not None})
    content = {
        "task": planned.asset.task_type,
        "params": planned.asset.params,
        "files": [hashlib.sha256(file.read_bytes()).hexdigest() for file in files],
        "makes": [[m.key, m.parent, m.table_name, str(m.columns)] for m in planned.makes],
    }
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
