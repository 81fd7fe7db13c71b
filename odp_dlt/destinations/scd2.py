"""Merge by scd2, as SQL over staged rows: versions of rows, each with the time it was valid.

A version ends when a load does not bring it any more, and begins when one does and it is not
active. Nested rows belong to a version and stay with it when it ends, as its root row does.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from odp_dlt.destinations.statements import (
    KEPT,
    Target,
    among,
    filtered,
    insert_kept,
    quoted,
    unmatched,
    within,
)
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

ENDED = "odp_ended"
"""The temporary table of the versions that end."""


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
        gone = within(root, how)
        return [] if gone is None else [_end(root, now, f"{_is_active(root, until)} AND {gone}")]
    since, end = (_flagged(root.table, flag) for flag in (VALID_FROM, VALID_TO))
    nested, version = [t for t in family[1:] if t.stage is not None], _version(root)
    return [
        *filtered(root),
        _kept(root, until),
        _ended(root, how, until),
        _end(root, now, f"{_is_active(root, until)} AND {among(root.name, [version], ENDED)}"),
        insert_kept(root, KEPT, given={since: now, end: until}),
        *(insert_kept(target, KEPT, absent_by=ID) for target in nested),
        f"DROP TABLE {ENDED}",
        f"DROP TABLE {KEPT}",
    ]


def _kept(root: Target, until: str) -> str:
    """The places of the staged root rows that are no active version yet, the first of equals."""
    version, row = quoted(_version(root)), quoted(ROW)
    active = f"(SELECT {version} FROM {root.name} WHERE {_is_active(root, until)})"
    on = ({_version(root): f"s.{quoted(column)}"} for column in _hashes(root))
    joins = [unmatched(active, each, f"a{number}") for number, each in enumerate(on)]
    return (
        f"CREATE TEMPORARY TABLE {KEPT} AS SELECT MIN(s.{row}) AS {row} FROM {root.stage} AS s"
        f"{''.join(join for join, _ in joins)} "
        f"WHERE {' AND '.join(absent for _, absent in joins)} GROUP BY s.{version}"
    )


def _ended(root: Target, how: Merging, until: str) -> str:
    """The active versions that are not staged, of those that may end."""
    value = f"d.{quoted(_version(root))}"
    able = f"SELECT * FROM {root.name} WHERE {_is_active(root, until)} AND {within(root, how)}"
    joins = [
        unmatched(str(root.stage), {column: value}, f"s{number}")
        for number, column in enumerate(_hashes(root))
    ]
    return (
        f"CREATE TEMPORARY TABLE {ENDED} AS SELECT {value} FROM ({able}) AS d"
        f"{''.join(join for join, _ in joins)} WHERE {' AND '.join(absent for _, absent in joins)}"
    )


def _end(root: Target, now: str, condition: str) -> str:
    end = quoted(_flagged(root.table, VALID_TO))
    return f"UPDATE {root.name} SET {end} = {now} WHERE {condition}"


def _version(root: Target) -> str:
    return row_version(root.table)


def _hashes(root: Target) -> list[str]:
    """The staged columns by which a version is known: our hash and dlt's, or the source's own."""
    return [ID, WITH_NULLS] if _version(root) == ID else [_version(root)]


def _is_active(root: Target, until: str) -> str:
    end = quoted(_flagged(root.table, VALID_TO))
    return f"{end} IS NULL" if until == "NULL" else f"({end} IS NULL OR {end} = {until})"


def _flagged(table: Table, flag: str) -> str:
    return next(name for name, column in table.columns.items() if column.has(flag))
