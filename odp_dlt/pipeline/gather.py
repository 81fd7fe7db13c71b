"""Rows on their way to Arrow: small pages are put together, large ones cut, to even batches.

Arrow wants thousands of rows at once; an API gives a hundred, a generator one. How many rows make a
good batch is learned from the size of the ones before, so memory is bounded by bytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, is_dataclass
from itertools import groupby
from typing import Any

import pyarrow as pa

from odp_dlt.errors import SourceError
from odp_dlt.normalize.plain import plain

TARGET_BYTES = 16 * 1024 * 1024
FIRST_ROWS = 100
MOST_ROWS = 50_000
GROWTH = 8
ARROW_BYTES = 4 * TARGET_BYTES


@dataclass
class Gather:
    """The rows of one resource that wait to be a batch. Not shared between threads."""

    rows: list[Any] = field(default_factory=list)
    target: int = FIRST_ROWS

    def add(self, page: Sequence[Any]) -> Iterator[list[Any]]:
        """Take the rows of `page`; give the batches that are full."""
        self.rows.extend(as_dicts(page))
        while len(self.rows) >= self.target:
            batch, self.rows = self.rows[: self.target], self.rows[self.target :]
            yield batch

    def rest(self) -> list[Any]:
        """The rows that are left at the end."""
        batch, self.rows = self.rows, []
        return batch

    def learn(self, rows: int, size: int) -> None:
        """A batch of `rows` rows took `size` bytes as Arrow; the next aim at the target size."""
        fitting = TARGET_BYTES * rows // max(size, 1)
        self.target = max(1, min(fitting, self.target * GROWTH, MOST_ROWS))


def kinds(rows: Any, resource: str) -> Iterator[list[Any] | pa.Table]:
    """The rows of a page in their order: Arrow tables each for itself, all others as lists.

    SourceError that names `resource` for what is neither.
    """
    if isinstance(rows, pa.Table | pa.RecordBatch):
        yield _table(rows)
    elif not isinstance(rows, list):
        raise SourceError(
            f"resource '{resource}' yielded a {type(rows).__name__}",
            hint="Yield dicts, lists of dicts, Arrow tables or data frames.",
        )
    elif not _ARROW.intersection(map(type, rows)):
        yield rows
    else:
        for is_arrow, group in groupby(rows, lambda row: type(row) in _ARROW):
            some = list(group)
            yield from map(_table, some) if is_arrow else [some]


def cut(table: pa.Table) -> Iterator[pa.Table]:
    """`table` in pieces that are no larger than memory should hold several of."""
    rows = max(1, table.num_rows * ARROW_BYTES // max(table.nbytes, 1))
    for start in range(0, max(table.num_rows, 1), rows):
        yield table.slice(start, rows)


def rows_of(part: "list[Any] | pa.Table") -> int:
    """How many rows a part of a page is: None is no row."""
    if isinstance(part, pa.Table):
        return int(part.num_rows)
    return len(part) - list(map(type, part)).count(type(None))


def _table(rows: Any) -> pa.Table:
    return pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows


_ARROW = frozenset({pa.Table, pa.RecordBatch})


def as_dicts(page: Sequence[Any]) -> list[Any]:
    """Every row as a dict: a scalar or a list is one with the key `value`, None is no row."""
    if all(type(row) is dict for row in page):
        return list(page)
    return [_as_dict(row) for row in page if row is not None]


def _as_dict(row: Any) -> Any:
    if isinstance(row, dict):
        return row
    if is_dataclass(row) or hasattr(row, "model_dump") or hasattr(row, "_asdict"):
        return plain(row, "row")
    return {"value": row}
