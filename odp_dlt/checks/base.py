"""What can be said of a table that a run has made: the types of checks. None knows Dagster.

To add one, copy the nearest file of this folder: its name is the `type` in YAML, its fields are the
check's own keys there.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from odp_dlt.destinations.base import TableView
from odp_dlt.destinations.statements import quoted
from odp_dlt.errors import ConfigError, DestinationError
from odp_dlt.registry import Registry, nearest

Number = str | int | float | None

Columns = Annotated[list[str], Field(min_length=1)]
Samples = Annotated[int, Field(ge=0, le=100)]
SAMPLES = 5


@dataclass(frozen=True)
class Subject:
    """One asset that is checked.

    `facts` is the metadata of its last load, empty if there was none; `view` is its table, None for
    a check that does not ask for it.
    """

    asset_key: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    view: TableView | None = None

    def table(self) -> TableView:
        """The table, which exists. DestinationError if it does not."""
        if self.view is None or not self.view.exists:
            raise DestinationError("there is no table yet", at=self.asset_key)
        return self.view

    def row(self, sql: str) -> list[Any]:
        """The values of the one row that a SELECT of numbers gives."""
        found = self.table().session.select(sql)
        return [_first(column) for column in found.columns]

    def sample(self, sql: str, most: int) -> pa.Table | None:
        """At most so many of the rows of a SELECT, for a person to look at."""
        if not most:
            return None
        return self.table().session.select(f"{sql} LIMIT {most}")


def _first(column: pa.ChunkedArray) -> Any:
    if pa.types.is_timestamp(column.type):  # Python has no nanoseconds
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column[0].as_py()


@dataclass(frozen=True)
class Verdict:
    """What a check found: `numbers` say how much, `sample` shows some of what is wrong."""

    passed: bool
    description: str
    numbers: Mapping[str, Number] = field(default_factory=dict)
    sample: pa.Table | None = None


class Check(BaseModel, ABC):
    """One check of one asset, with what the YAML says of it. Its values hold no templates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of_loads: ClassVar[bool] = False
    """Whether it judges what only a load of the engine tells."""

    @property
    def reads_table(self) -> bool:
        """Whether it looks at the table; else the facts of the load are enough for it."""
        return True

    @property
    @abstractmethod
    def promise(self) -> str:
        """What holds if it passes, in a few words: its description unless the YAML has one."""

    @abstractmethod
    def judge(self, subject: Subject) -> Verdict:
        """Whether it holds. An OdpError says that this cannot be found out, which is no pass."""

    def columns_named(self) -> Sequence[str]:
        """The columns that it speaks of, which the table must have."""
        return ()


checks: Registry[Check] = Registry("check", "odp_dlt.checks", Check)  # type: ignore[type-abstract]


def must_have(view: TableView, columns: Sequence[str]) -> None:
    """ConfigError unless the table has all `columns`."""
    known = view.columns
    for column in columns:
        if column not in known:
            raise ConfigError(
                f"the table '{view.table}' has no column '{column}'", hint=nearest(column, known)
            )


def listed(columns: Sequence[str]) -> str:
    """`columns` as SQL has them in a list."""
    return ", ".join(map(quoted, columns))


def counted(number: int, one: str, many: str = "") -> str:
    """`1 row`, `2,000 rows`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
