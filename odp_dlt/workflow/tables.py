"""What counts for one table of an asset: what the asset says, and what `tables` says of it."""

from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from typing import Any

from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.workflow.asset import Asset, AssetSettings, Check, TableSettings
from odp_dlt.workflow.positions import KeyPath

_OF_ITSELF = ("description", "deps", "automation", "checks")
"""What an asset says of the table that it is named after, not of the others that it makes. Dagster
would start a nested table's asset as soon as its parent is there, although one load makes both."""


def settings_of(asset: Asset, table: str, *, is_main: bool) -> TableSettings:
    """All that is said of `table`; its own name counts more than a pattern, a later pattern more.

    Lists and mappings are joined, of anything else the last that is said counts.
    """
    own = {name: getattr(asset, name) for name in AssetSettings.model_fields}
    if not is_main:
        own = {name: value for name, value in own.items() if name not in _OF_ITSELF}
    own = dict(TableSettings(**own))  # all its fields: what lacks one is slow to construct
    for found in _said_of(asset, table):
        own = _joined(own, found)
    return TableSettings.model_construct(**own)


def checks_of(asset: Asset, table: str, *, is_main: bool) -> Iterator[tuple[KeyPath, Check]]:
    """Each check of `table`, with where in the asset it is written."""
    if is_main:
        yield from ((("checks", number), check) for number, check in enumerate(asset.checks))
    for name in _names_of(asset, table):
        for number, check in enumerate(asset.tables[name].checks):
            yield ("tables", name, "checks", number), check


def tables_that_are_none(asset: Asset, tables: Collection[str]) -> Iterator[ConfigError]:
    """A problem for each name or pattern under `tables` that fits none of the asset's tables."""
    for pattern in asset.tables:
        if not any(fnmatchcase(table, pattern) for table in tables):
            yield ConfigError(
                f"the asset '{asset.asset_key}' makes no table '{pattern}'",
                at=asset.origin.at("tables", pattern),
                hint=nearest(pattern, tables),
            )


def _said_of(asset: Asset, table: str) -> Iterator[TableSettings]:
    return (asset.tables[name] for name in _names_of(asset, table))


def _names_of(asset: Asset, table: str) -> list[str]:
    """The keys of `tables` that speak of `table`, in the order in which they count."""
    fitting = [name for name in asset.tables if name != table and fnmatchcase(table, name)]
    return [*fitting, *([table] if table in asset.tables else [])]


def _joined(below: dict[str, Any], above: TableSettings) -> dict[str, Any]:
    joined = dict(below)
    for name in above.model_fields_set:
        value, old = getattr(above, name), below.get(name)
        if isinstance(value, list) and old:
            value = [*old, *(one for one in value if one not in old)]
        elif isinstance(value, dict) and old:
            value = {**old, **value}
        joined[name] = value
    return joined
