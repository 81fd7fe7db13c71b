"""What the pipeline needs of a place that tables are loaded into.

To add one, copy the nearest file of this folder: its name is what YAML says.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from odp_dlt.registry import Registry
from odp_dlt.schema.model import Column, Disposition, Table
from odp_dlt.settings import Settings


class Session(ABC):
    """Work on one dataset that commits as a whole, when the `with` around it is left in order."""

    def begin(self, load_id: str, schema_name: str) -> None:  # noqa: B027 - only files ask for it
        """Told once, before the first row of a load; files are named by it."""

    @abstractmethod
    def columns(self, table: str) -> dict[str, str]:
        """Column name → the destination's own type name, in order; empty if there is no such
        table.
        """

    @abstractmethod
    def evolve(self, table: Table) -> None:
        """Create `table`, or add the columns it lacks. Never drops or retypes a column."""

    @abstractmethod
    def load(
        self, family: Sequence[Table], rows: Mapping[str, pa.RecordBatchReader]
    ) -> dict[str, int]:
        """Load a root table and its nested ones by the root's disposition; rows sent, by table.

        `family` holds all tables of the schema's family, parents first; `rows` only those that got
        rows. All tables of `family` that have typed columns exist already.
        """

    @abstractmethod
    def read(
        self, table: str, *, where: Mapping[str, str] | None = None, newest_by: str | None = None
    ) -> pa.Table:
        """Rows of a small table whose columns equal `where`; no columns either if it is missing.

        With `newest_by`, only the one row with the greatest value in that column.
        """

    @abstractmethod
    def count(self, table: str) -> int:
        """How many rows `table` holds now, this session's own included."""

    @abstractmethod
    def drop(self, table: str) -> None:
        """Remove `table` with its rows, if it exists."""

    @abstractmethod
    def remove(self, table: str, where: Mapping[str, str] | None = None) -> None:
        """Delete the rows whose columns equal `where`, or all; nothing happens without a table."""

    @abstractmethod
    def remove_loads(self, family: Sequence[Table], load_ids: Sequence[str]) -> int:
        """Delete the root rows that these loads brought, and all nested in them; how many root
        rows. `family` is parents first. DestinationError if rows do not tell their load.
        """

    @abstractmethod
    def named(self, table: str) -> str:
        """How a SELECT of this session names `table`."""

    @abstractmethod
    def select(self, sql: str) -> pa.Table:
        """The rows of one SELECT by a person, in which bare names are tables of the dataset.

        In a session that was opened to read, it can write nothing.
        """


@dataclass(frozen=True)
class TableView:
    """One table, to be looked at in a session that can write nothing.

    `parent` is the table that its rows are nested in.
    """

    session: Session
    table: str
    parent: str | None = None

    @property
    def exists(self) -> bool:
        """Whether there is such a table now."""
        return bool(self.columns)

    @property
    def columns(self) -> dict[str, str]:
        """Its columns, with the destination's own type names; none if it does not exist."""
        return self.session.columns(self.table)

    @property
    def name(self) -> str:
        """How a SELECT of its session names it."""
        return self.session.named(self.table)


class Destination(BaseModel, ABC):
    """One configured place. Its fields are the YAML's `destination_params`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dispositions: ClassVar[frozenset[Disposition]]
    strategies: ClassVar[frozenset[str]] = frozenset()  # of those that merge
    max_identifier: ClassVar[int] = 65536
    holds_files: ClassVar[bool] = False  # whether an address is a URI, not a name for SQL

    @property
    def name(self) -> str:
        """The name by which YAML finds this destination."""
        return type(self).__module__.rpartition(".")[2]

    def bound(self, pipeline_name: str) -> "Destination":
        """This destination with what it derives from a pipeline's name filled in."""
        return self

    def with_settings(self, settings: Settings) -> "Destination":
        """This destination with what it was not given and the settings have."""
        return self

    @abstractmethod
    def open(self, dataset: str, *, write: bool = True) -> AbstractContextManager[Session]:
        """A session on `dataset`. Leaving it without an error commits; with one, nothing stays.

        With `write=False` nothing is created: a place that is not there reads as an empty one.
        Raises DestinationBusy when others hold the place for longer than its wait allows.
        """

    @abstractmethod
    def address(self, dataset: str, table: str) -> str:
        """How other tools name `table`: `dataset.table`, or a URI."""

    @abstractmethod
    def location(self) -> str:
        """Where the place is, without credentials: what a person may read."""

    def type_name(self, column: Column) -> str | None:
        """The destination's type for a schema column, for docs of tables not yet loaded."""
        return column.data_type


destinations: Registry[Destination] = Registry(
    "destination",
    "odp_dlt.destinations",
    Destination,  # type: ignore[type-abstract]
)
