"""Merge by delete-insert, upsert, cdc and insert-only, as SQL over staged rows.

Of staged rows with one primary key one is kept: the greatest (`dedup_sort: desc`) or smallest by
the column that has this hint, rows without a value there last; and among equals the last one of the
load, as if they had been loaded one after another. Insert-only keeps the first, for that reason.
"""

from collections.abc import Sequence

from odp_dlt.destinations.statements import (
    KEPT,
    Target,
    among,
    filtered,
    insert_kept,
    quoted,
    same,
    unmatched,
    within,
)
from odp_dlt.schema.merging import CDC, DELETE_INSERT, INSERT_ONLY, ROW, ROW_VERSION, Merging
from odp_dlt.schema.model import ID, LOAD_ID, ROOT_ID


def merge(family: Sequence[Target], how: Merging) -> list[str]:
    """The statements that merge the staged rows of `family`, parents first, in their order.

    Rows nested in a root row that gives way go with it, whether or not new ones come. Without
    staged rows only cdc does anything: it deletes.
    """
    root, *nested = family
    if root.stage is None:
        return _deleted(root, nested, how) if how.strategy == CDC else []
    statements = [*filtered(root), _kept(root, how)]
    if root.table.hints.get("x-merge-skip-unchanged-rows"):
        statements += _as_before(root, how)
    if how.strategy != INSERT_ONLY:
        statements += _deleted(root, nested, how)
    statements += [insert_kept(t, KEPT) for t in family if t.stage is not None]
    return [*statements, f"DROP TABLE {KEPT}"]


def _kept(root: Target, how: Merging) -> str:
    """The places of the staged root rows that are to be inserted: one of each key, not deleted.

    Insert-only deletes nothing, so there rows that say so count for nothing.
    """
    row, deleted = f"s.{quoted(ROW)}", _deletion(root)
    key = [f"s.{quoted(c)}" for c in how.primary_key]
    alone = not key or bool(root.table.hints.get("x-stage-data-deduplicated"))
    order = [*_sorting(root), f"{row} {'ASC' if how.strategy == INSERT_ONLY else 'DESC'}"]
    rank = f"ROW_NUMBER() OVER (PARTITION BY {', '.join(key)} ORDER BY {', '.join(order)})"
    source = f"{root.stage} AS s"
    if how.strategy == INSERT_ONLY:
        join, absent = unmatched(root.name, dict(zip(how.primary_key, key, strict=True)), "d")
        source += f"{join} WHERE NOT {deleted} AND {absent}"
    ranked = (
        f"SELECT {row}, {deleted} AS is_deleted, {'1' if alone else rank} AS rank_of_key "
        f"FROM {source}"
    )
    kept = f"SELECT {quoted(ROW)} FROM ({ranked}) AS r WHERE rank_of_key = 1 AND NOT is_deleted"
    return f"CREATE TEMPORARY TABLE {KEPT} AS {kept}"


def _sorting(root: Target) -> list[str]:
    hinted = {
        n: c.hints["dedup_sort"] for n, c in root.table.columns.items() if c.has("dedup_sort")
    }
    for name, direction in hinted.items():
        if name in root.columns:
            value = f"s.{quoted(name)}"
            value = f"CAST({value} AS {root.sorts[name]})" if name in root.sorts else value
            way = "DESC" if str(direction).lower() == "desc" else "ASC"
            return [f"s.{quoted(name)} IS NULL", f"{value} {way}"]
    return []


def _deletion(root: Target) -> str:
    """The condition that a staged row says its key is deleted."""
    for name in root.table.keys("hard_delete"):
        if name in root.columns:
            boolean = root.table.columns[name].data_type == "bool"
            return f"(s.{quoted(name)} {'IS TRUE' if boolean else 'IS NOT NULL'})"
    return "(1 = 0)"


def _as_before(root: Target, how: Merging) -> list[str]:
    """Staged rows equal to those that are there take over their load id.

    A column of the source's own that tells versions of a row apart decides alone.
    """
    flagged = {n for n, c in root.table.columns.items() if n != ID and c.has(ROW_VERSION)}
    versions = [c for c in root.columns if c in flagged]
    others = [c for c in root.columns if c not in (ID, LOAD_ID, *how.primary_key)]
    compared = versions or others
    if LOAD_ID not in root.columns:
        return []
    pairs = ((root.value(c), f"d.{quoted(c)}") for c in compared)
    equal = "".join(f" AND ({a} = {b} OR ({a} IS NULL AND {b} IS NULL))" for a, b in pairs)
    return [
        f"UPDATE {root.stage} AS s SET {quoted(LOAD_ID)} = d.{quoted(LOAD_ID)} "
        f"FROM {root.name} AS d WHERE {same('s', 'd', how.primary_key)}{equal}"
    ]


def _deleted(root: Target, nested: Sequence[Target], how: Merging) -> list[str]:
    """Delete what gives way by each of the conditions for that, deepest tables first."""
    deleted = []
    for condition in _conditions(root, how):
        gone = f"SELECT {quoted(ID)} FROM {root.name} WHERE {condition}"
        deleted += [
            *(
                f"DELETE FROM {t.name} WHERE {quoted(ROOT_ID)} IN ({gone})"
                for t in reversed(nested)
            ),
            f"DELETE FROM {root.name} WHERE {condition}",
        ]
    return deleted


def _conditions(root: Target, how: Merging) -> list[str]:
    """Each names rows of the destination that give way: to staged rows, or for being absent."""
    conditions = []
    if how.strategy == CDC or (how.strategy == DELETE_INSERT and how.scope):
        absent = within(root, how)
        conditions += [] if absent is None else [absent]
    if root.stage is not None:
        conditions += [among(root.name, key, root.stage) for key in how.keys]
    return conditions
