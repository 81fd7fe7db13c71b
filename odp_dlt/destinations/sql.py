"""The session of every SQL database, over a few hooks."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import pyarrow as pa

from odp_dlt.destinations.base import Session
from odp_dlt.errors import DestinationError
from odp_dlt.schema.model import Column, Table


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def qualified(*names: str) -> str:
    """`catalog.dataset.table`, or as much of it as is given, as SQL identifiers."""
    return ".".join(map(quoted, names))


def create_table(name: str, table: Table, types: Mapping[str, str]) -> str:
    """CREATE TABLE for the typed columns of `table`, in their order."""
    columns = ", ".join(
        f"{quoted(name)} {types[name]}{'' if column.is_nullable else ' NOT NULL'}"
        for name, column in table.typed_columns().items()
    )
    return f"CREATE TABLE {name} ({columns})"


def add_column(name: str, column: str, type_name: str) -> str:
    """ALTER TABLE for one new column; nullable, as the rows that exist have no value for it."""
    return f"ALTER TABLE {name} ADD COLUMN {quoted(column)} {type_name}"


def newest(name: str, where: Mapping[str, str], newest_by: str | None) -> str:
    """SELECT of rows by equality, with a `?` for each value of `where`, in its order."""
    conditions = " AND ".join(f"{quoted(column)} = ?" for column in where)
    sql = f"SELECT * FROM {name}"
    if conditions:
        sql += f" WHERE {conditions}"
    if newest_by:
        sql += f" ORDER BY {quoted(newest_by)} DESC LIMIT 1"
    return sql


class SqlSession(Session):
    """Hooks a database fills: `run`, `query`, `ingest`, `type_name`, `columns`."""

    def __init__(self, dataset: str) -> None:
        self.dataset = dataset

    def named(self, table: str) -> str:
        """How this session's SQL names `table`."""
        return qualified(self.dataset, table)

    @abstractmethod
    def run(self, sql: str) -> None:
        """Execute one statement."""

    @abstractmethod
    def query(self, sql: str, values: Sequence[str] = ()) -> pa.Table:
        """The rows of one SELECT; each `?` in it takes the next of `values`."""

    @abstractmethod
    def ingest(self, table: Table, rows: pa.RecordBatchReader) -> int:
        """Append `rows`, whose columns are named as in `table`; how many there were."""

    @abstractmethod
    def type_name(self, column: Column) -> str:
        """The database's type for `column`."""

    def evolve(self, table: Table) -> None:
        existing = self.columns(table.name)
        types = {name: self.type_name(column) for name, column in table.typed_columns().items()}
        if not existing:
            self.run(create_table(self.named(table.name), table, types))
            return
        for name, type_name in types.items():
            if name in existing:
                continue
            if not table.columns[name].is_nullable and self.count(table.name):
                raise DestinationError(
                    f"column '{name}' of table '{self.dataset}.{table.name}' may not be null, "
                    "but rows exist that have no value for it",
                    hint="Declare the column nullable, or load into a new dataset.",
                )
            self.run(add_column(self.named(table.name), name, type_name))

    def load(
        self, family: Sequence[Table], rows: Mapping[str, pa.RecordBatchReader]
    ) -> dict[str, int]:
        if family[0].write_disposition == "replace":
            for table in reversed(family):
                if self.columns(table.name):
                    self.run(f"DELETE FROM {self.named(table.name)}")
        return {t.name: self.ingest(t, rows[t.name]) for t in family if t.name in rows}

    def read(
        self, table: str, *, where: Mapping[str, str] | None = None, newest_by: str | None = None
    ) -> pa.Table:
        if not self.columns(table):
            return pa.table({})
        where = where or {}
        return self.query(newest(self.named(table), where, newest_by), list(where.values()))

    def count(self, table: str) -> int:
        rows = self.query(f"SELECT count(*) FROM {self.named(table)}")
        return int(rows.column(0)[0].as_py())
