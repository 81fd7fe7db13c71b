"""What a table's hints say about how new rows meet those that are there: dlt's merge strategies."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from odp_dlt.errors import ConfigError
from odp_dlt.schema.model import ID, ROOT_ID, Column, Schema, Table

STRATEGY = "x-merge-strategy"
BOUNDARY = "x-boundary-timestamp"
VALID_FROM, VALID_TO = "x-valid-from", "x-valid-to"
ACTIVE = "x-active-record-timestamp"
ROW_VERSION = "x-row-version"
SCOPE = "x-merge-destination-scope"

DELETE_INSERT, UPSERT, INSERT_ONLY = "delete-insert", "upsert", "insert-only"
SCD2, CDC = "scd2", "cdc"
MERGE_STRATEGIES = (CDC, DELETE_INSERT, INSERT_ONLY, SCD2, UPSERT)
KEYED = (UPSERT, INSERT_ONLY, CDC)  # these need a primary key, and make row ids of it

ROW = "_odp_row"
"""While rows wait to be merged: the place of their root row in the load, from 0, in every table."""

WITH_NULLS = "_odp_id_with_nulls"
"""While scd2 rows wait: the hash that dlt gives them, which counts keys without a value too."""

STAGED = (ROW, WITH_NULLS)

OWNER = "_odp_owner"
"""While a contract judges rows that were broken out of others: the id of the row each stood in."""


@dataclass(frozen=True)
class Merging:
    """How rows of one family are merged. `primary_key` and `merge_key` are column names.

    `scope` is an SQL condition for the rows of the destination that may go, in place of what keys
    say; `{table}` and `{staging_table}` in it stand for the tables.
    """

    strategy: str
    primary_key: tuple[str, ...] = ()
    merge_key: tuple[str, ...] = ()
    scope: str | None = None

    @property
    def keys(self) -> tuple[tuple[str, ...], ...]:
        """The keys any one of which makes rows of the destination give way."""
        if self.strategy in KEYED:
            return (self.primary_key,)
        if self.strategy == SCD2 or self.scope:
            return ()
        return tuple(key for key in (self.primary_key, self.merge_key) if key)


def strategy_of(table: Table) -> str | None:
    """The strategy of a root table that merges; None for one that does not."""
    if table.write_disposition != "merge":
        return None
    return str(table.hints.get(STRATEGY) or DELETE_INSERT)


def merging(table: Table) -> Merging | None:
    """How the root `table` merges; None if its rows are simply added or replaced.

    As in dlt, delete-insert without any key or scope adds rows. ConfigError for upsert,
    insert-only and cdc without a primary key.
    """
    strategy = strategy_of(table)
    if strategy is None:
        return None
    primary, merge = (tuple(table.keys(key)) for key in ("primary_key", "merge_key"))
    found = Merging(strategy, primary, merge, table.hints.get(SCOPE) or None)
    if strategy in KEYED and not primary:
        raise ConfigError(
            f"the merge strategy '{strategy}' needs a primary key, and '{table.name}' has none",
            hint="Give the resource one: primary_key=….",
        )
    return found if found.keys or found.scope or strategy == SCD2 else None


def retires_absent(table: Table) -> bool:
    """Whether what a load does not bring is taken away: replace, and scd2 and cdc of snapshots.

    With a merge key, or a scope that asks the new rows, a load without rows takes nothing.
    """
    if table.write_disposition == "replace":
        return True
    if strategy_of(table) not in (SCD2, CDC):
        return False
    scope = table.hints.get(SCOPE)
    return "{staging_table}" not in scope if scope else not table.keys("merge_key")


def is_broken_out(table: Table, root: Table) -> bool:
    """Whether `table` is one that lists in the rows of `root` fill though it is not nested in it.

    A key of its own makes it so: its rows are merged by that, and do not say where they stood.
    """
    return (
        table.parent is None
        and table.resource == root.resource
        and table.name != root.name
        and has_key(table)
    )


def has_key(table: Table) -> bool:
    """Whether rows of `table` are told apart by a primary or a merge key."""
    return bool(table.keys("primary_key") or table.keys("merge_key"))


def row_version(table: Table) -> str:
    """The column that tells versions of a row apart in scd2: `_dlt_id`, or the source's own."""
    return next((name for name, c in table.columns.items() if c.has(ROW_VERSION)), ID)


def has_root_key(table: Table, schema: Schema) -> bool:
    """Whether rows nested in the root `table` carry `_dlt_root_id`."""
    config = _config(schema)
    propagated = config.get("propagation", {}).get("tables", {})
    return (
        strategy_of(table) not in (None, SCD2)
        or table.name in propagated
        or bool(config.get("root_key_propagation"))
    )


def root_key_column() -> Column:
    """`_dlt_root_id` as dlt declares it."""
    return Column(ROOT_ID, "text", nullable=False, hints={"root_key": True})


def with_root_keys(schema: Schema, roots: Mapping[str, Table], wanted: bool | None) -> Schema:
    """`schema` in which all tables nested in `roots` have the root key, where these need one.

    `wanted` is what the source says of all its tables. dlt notes both in the normalizer's config.
    """
    if wanted and not _config(schema).get("root_key_propagation"):
        schema = _configured(schema, {"root_key_propagation": True})
    known = [root for root in roots.values() if root.name in schema.tables]
    for root in known:
        carries = ROOT_ID in schema.tables[root.name].columns  # broken out of rows that have one
        if not (carries or has_root_key(root, schema)):
            continue
        propagation = _config(schema).get("propagation", {})
        tables = propagation.get("tables", {})
        if root.name not in tables:
            tables = {**tables, root.name: {ID: ROOT_ID}}
            schema = _configured(schema, {"propagation": {**propagation, "tables": tables}})
        lacking = [t for t in schema.family(root.name)[1:] if _lacks_root_key(t)]
        schema = schema.with_tables([t.with_columns([root_key_column()]) for t in lacking])
    return schema


def _lacks_root_key(table: Table) -> bool:
    return bool(table.typed_columns()) and ROOT_ID not in table.columns


def _config(schema: Schema) -> Mapping[str, Any]:
    config: Mapping[str, Any] = schema.normalizers.get("json", {}).get("config") or {}
    return config


def _configured(schema: Schema, more: Mapping[str, Any]) -> Schema:
    json = {**schema.normalizers.get("json", {}), "config": {**_config(schema), **more}}
    return replace(schema, normalizers={**schema.normalizers, "json": json})
