"""What the workflow files say of an asset → the attributes of Dagster's asset, and of its op."""

from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import dagster as dg

from odp_dlt.definitions.conditions import automation_condition, freshness_policy
from odp_dlt.definitions.metadata import of_definition
from odp_dlt.definitions.partitions import backfill_policy, dependency
from odp_dlt.definitions.plan import PlannedAsset
from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.tasks.base import ColumnInfo, Planned
from odp_dlt.workflow.asset import Asset, ColumnSettings, RetryPolicy, TableSettings
from odp_dlt.workflow.models import Position
from odp_dlt.workflow.tables import settings_of

_FIELDS = ("group_name", "owners", "tags", "kinds", "deps")
"""Those keys of an asset whose values Dagster judges."""


def asset_key(key: str) -> dg.AssetKey:
    """`a/b/c` as Dagster's key of three parts."""
    return dg.AssetKey(key.split("/"))


def spec(planned: PlannedAsset, made: Planned, version: str) -> dg.AssetSpec:
    """Dagster's asset for one table. ConfigError, with its place, for what Dagster refuses."""
    asset = planned.asset
    said = settings_of(asset, _table(made), is_main=made.key == asset.asset_key)
    of_root: list[str | None] = [made.external, *asset.depends_on, *asset.deps]
    above: list[str | None] = of_root if made.parent is None else [made.parent]
    above += [*made.deps, *said.deps]
    keys = [key for key in dict.fromkeys(above) if key is not None]
    documented = replace(made, columns=_documented(made.columns, said, asset))
    arguments: dict[str, Any] = {
        "deps": [dependency(asset, key) for key in keys],
        "description": _description(made, said),
        "metadata": {**said.metadata, **of_definition(documented, _references(planned, made))},
        "skippable": True,
        "group_name": said.group_name or made.group,
        "code_version": said.code_version or version,
        "owners": said.owners,
        "tags": said.tags,
        "kinds": {*made.kinds, *said.kinds},
        **_automated(asset, made, said),
    }
    try:
        return dg.AssetSpec(asset_key(made.key), **arguments)
    except (dg.DagsterError, ValueError, TypeError) as e:
        raise ConfigError(
            f"the asset '{made.key}' is not possible in Dagster: {_first_line(e)}",
            at=_place(asset, made, said),
        ) from e


def _automated(asset: Asset, made: Planned, said: TableSettings) -> dict[str, Any]:
    """When the asset is materialized by itself, and how old it may become."""
    if made.parent is not None and said.automation is not None:
        raise ConfigError(
            f"the nested table '{made.key}' cannot have `automation`: it is made with its parent",
            at=_written(asset, made, "automation"),
            hint=f"Give it to the asset '{asset.asset_key}'.",
        )

    def at(key: str, *path: str) -> Position:
        return _written(asset, made, key, *path)

    return {
        "automation_condition": automation_condition(said, at),
        "freshness_policy": freshness_policy(said, at),
    }


def _written(asset: Asset, made: Planned, key: str, *path: str) -> Position:
    """Where `key` was said of the table: under its name, or a pattern, or for the whole asset."""
    name = _table(made)
    fitting = [one for one in asset.tables if one != name and fnmatchcase(name, one)]
    for table in [name, *reversed(fitting)]:
        if table in asset.tables and key in asset.tables[table].model_fields_set:
            return asset.origin.at("tables", table, key, *path)
    return asset.origin.at(key, *path)


def op_arguments(asset: Asset) -> dict[str, Any]:
    """What counts for the op that makes all tables of `asset`, by Dagster's names."""
    return {
        "op_tags": asset.op_tags or None,
        "backfill_policy": backfill_policy(asset),
        "pool": asset.pool,
        "retry_policy": None if asset.retry_policy is None else _retry_policy(asset.retry_policy),
    }


def _retry_policy(said: RetryPolicy) -> dg.RetryPolicy:
    return dg.RetryPolicy(
        max_retries=said.max_retries,
        delay=said.delay,
        backoff=None if said.backoff is None else dg.Backoff[said.backoff.upper()],
        jitter=None if said.jitter is None else dg.Jitter[said.jitter.upper()],
    )


def _table(made: Planned) -> str:
    """The name by which `tables:` calls it."""
    return made.key.rpartition("/")[2]


def _description(made: Planned, said: TableSettings) -> str | None:
    nested = None if made.parent is None else f"Rows nested in {made.parent}."
    return said.description or made.description or nested


def _documented(
    columns: tuple[ColumnInfo, ...] | None, said: TableSettings, asset: Asset
) -> tuple[ColumnInfo, ...] | None:
    """`columns` with what the YAML says of them; ConfigError for one that is none."""
    if columns is None:
        return None
    names = [column.name for column in columns]
    for name in said.columns:
        if name not in names:
            table = next(key for key, one in asset.tables.items() if name in one.columns)
            raise ConfigError(
                f"the table has no column '{name}'",
                at=asset.origin.at("tables", table, "columns", name),
                hint=nearest(name, names),
            )
    return tuple(_with(column, said.columns.get(column.name)) for column in columns)


def _with(column: ColumnInfo, said: ColumnSettings | None) -> ColumnInfo:
    if said is None:
        return column
    return replace(column, description=said.description or column.description, tags=said.tags)


def _references(planned: PlannedAsset, made: Planned) -> Iterator[tuple[Path, int, str]]:
    """Where to look for what makes an asset: its code, and its place in the YAML."""
    if made.file is not None:
        yield made.file, made.line, made.file.name
    at = planned.asset.origin.at()
    yield planned.site.root / at.file, at.line, at.file.name


def _place(asset: Asset, made: Planned, said: TableSettings) -> object:
    """Where that is written which Dagster does not take: found by trying each key alone."""
    for name in _FIELDS:
        value = getattr(said, name)
        if not value or _is_possible(name, value):
            continue
        for table in (_table(made), *asset.tables):
            if table in asset.tables and getattr(asset.tables[table], name):
                return asset.origin.at("tables", table, name)
        return asset.origin.at(name)
    return asset.origin.at()


def _is_possible(name: str, value: Any) -> bool:
    arguments: dict[str, Any] = {name: set(value) if name == "kinds" else value}
    try:
        dg.AssetSpec("probe", **arguments)
    except (dg.DagsterError, ValueError, TypeError):
        return False
    return True


def _first_line(e: Exception) -> str:
    return str(e).strip().splitlines()[0]
