"""Merge by scd2, as SQL over staged rows: versions of rows, each with the time it was valid.

A version ends when a load does not bring it any more, and begins when one does and it is not
active. Nested rows belong to a version and stay with it when it ends, as its root row does.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from odp_dlt.destinations.statements import KEPT, Target, insert_kept, quoted, same
from odp_dlt.errors import ConfigError
from odp_dlt.schema.merging import (
    ACTIVE,
    BOUNDARY,
    ROW,
    VALID_FROM,
    VALID_TO,
    WITH_NULLS,
    Merging,
    row_version,
)
from odp_dlt.schema.model import ID, Table


def moment(value: Any, at: str) -> datetime:
    """A moment as people write it, in UTC; ConfigError if `value` is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as e:
            raise ConfigError(f"{at}: '{value}' is no date or time") from e
    if not isinstance(value, datetime) and isinstance(value, date):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        raise ConfigError(f"{at}: {value!r} is no date or time")
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def boundary(table: Table) -> datetime:
    """When versions of this load begin, and those that it retires end."""
    return moment(table.hints.get(BOUNDARY), BOUNDARY)


def active_until(table: Table) -> datetime | None:
    """The end that versions have while they are active; None for no end."""
    said = table.columns[_flagged(table, VALID_TO)].hints.get(ACTIVE)
    return None if said is None else moment(said, ACTIVE)


def scd2(family: Sequence[Target], how: Merging, now: str, until: str) -> list[str]:
    """The statements that bring the versions in `family` up to date, in their order.

    `now` and `until` are SQL values: the boundary, and the end of active versions, perhaps NULL.
    Without staged rows all active versions end.
    """
    root = family[0]
    if root.stage is None:
        return [] if how.merge_key else [_retire(root, how, now, until)]
    since, end = (_flagged(root.table, flag) for flag in (VALID_FROM, VALID_TO))
    inserts = [insert_kept(root, KEPT, given={since: now, end: until})]
    for target in family[1:]:
        if target.stage is not None:
            there = f"SELECT 1 FROM {target.name} AS d WHERE {same('d', 's', [ID])}"
            inserts.append(insert_kept(target, KEPT, where=f" AND NOT EXISTS ({there})"))
    return [_kept(root, until), _retire(root, how, now, until), *inserts, f"DROP TABLE {KEPT}"]


def _kept(root: Target, until: str) -> str:
    """The places of the staged root rows that are no active version yet, the first of equals."""
    version, row = quoted(row_version(root.table)), quoted(ROW)
    return (
        f"CREATE TEMPORARY TABLE {KEPT} AS SELECT MIN(s.{row}) AS {row} FROM {root.stage} AS s "
        f"WHERE {_unlike(root.name, 'd', root, f' AND {_is_active(root, until)}')} "
        f"GROUP BY s.{version}"
    )


def _retire(root: Target, how: Merging, now: str, until: str) -> str:
    """End the active versions that are not staged; with a merge key, only those of staged keys."""
    end = quoted(_flagged(root.table, VALID_TO))
    condition = _is_active(root, until)
    if root.stage is not None:
        condition += f" AND {_unlike(root.stage, 's', root)}"
        for key in how.keys:
            condition += (
                f" AND EXISTS (SELECT 1 FROM {root.stage} AS s WHERE {same('s', 'd', key)})"
            )
    return f"UPDATE {root.name} AS d SET {end} = {now} WHERE {condition}"


def _unlike(others: str, alias: str, root: Target, more: str = "") -> str:
    """The condition that none of `others` is the same version, by our hash or by dlt's."""
    version = row_version(root.table)
    staged = [version, WITH_NULLS] if version == ID else [version]
    found = (f"d.{quoted(version)} = s.{quoted(column)}" for column in staged)
    return " AND ".join(
        f"NOT EXISTS (SELECT 1 FROM {others} AS {alias} WHERE {each}{more})" for each in found
    )


def _is_active(root: Target, until: str) -> str:
    end = f"d.{quoted(_flagged(root.table, VALID_TO))}"
    return f"{end} IS NULL" if until == "NULL" else f"({end} IS NULL OR {end} = {until})"


def _flagged(table: Table, flag: str) -> str:
    return next(name for name, column in table.columns.items() if column.has(flag))
