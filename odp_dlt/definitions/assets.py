"""One workflow asset → Dagster assets: one loop for every task type."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from odp_dlt.definitions.metadata import of_definition
from odp_dlt.definitions.plan import Plan, PlannedAsset, defined_keys
from odp_dlt.definitions.step import run_step
from odp_dlt.tasks.base import Planned


def asset_definitions(plan: Plan) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """All assets that the workflow makes, and one without code for each source outside."""
    return [*_external(plan), *(_definition(planned) for planned in plan.assets)]


def asset_key(key: str) -> dg.AssetKey:
    """`a/b/c` as Dagster's key of three parts."""
    return dg.AssetKey(key.split("/"))


def _external(plan: Plan) -> Iterator[dg.AssetSpec]:
    """The sources outside; each is in the group of the first asset that names it."""
    seen = set(defined_keys(plan.assets))
    for planned in plan.assets:
        for made in planned.makes:
            if made.external is None or made.external in seen:
                continue
            seen.add(made.external)
            readers = [
                one.asset.asset_key
                for one in plan.assets
                if any(made.external == other.external for other in one.makes)
            ]
            yield dg.AssetSpec(
                asset_key(made.external),
                group_name=planned.asset.group_name,
                description=f"A source outside, read by {', '.join(readers)}.",
            )


def _definition(planned: PlannedAsset) -> dg.AssetsDefinition:
    version = _code_version(planned)

    @dg.multi_asset(
        name=planned.op_name,
        specs=[_spec(planned, made, version) for made in planned.makes],
        can_subset=True,
        partitions_def=planned.partitions,
        required_resource_keys=set(planned.resource_kinds),
    )
    def step(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        yield from run_step(context, planned, version)

    return step


def _spec(planned: PlannedAsset, made: Planned, version: str) -> dg.AssetSpec:
    asset = planned.asset
    is_root = made.parent is None
    above = [made.external, *asset.depends_on] if is_root else [made.parent]
    above += made.deps
    description = made.description or (None if is_root else f"Rows nested in {made.parent}.")
    if made.key == asset.asset_key:
        description = asset.description or description
    return dg.AssetSpec(
        asset_key(made.key),
        deps=[asset_key(key) for key in dict.fromkeys(above) if key is not None],
        description=description,
        metadata=of_definition(made, _references(planned, made)),
        skippable=True,
        group_name=asset.group_name or made.group,
        code_version=version,
        kinds=set(made.kinds),
    )


def _references(planned: PlannedAsset, made: Planned) -> Iterator[tuple[Path, int, str]]:
    """Where to look for what makes an asset: its code, and its place in the YAML."""
    if made.file is not None:
        yield made.file, made.line, made.file.name
    at = planned.asset.origin.at()
    yield planned.site.root / at.file, at.line, at.file.name


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
