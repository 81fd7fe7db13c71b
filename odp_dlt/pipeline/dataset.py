"""What a pipeline has loaded, to be read: its tables, and SQL over them.

Nothing here holds a connection: whatever is asked for is read in a session of its own, which can
write nothing and ends with the answer. Where rows are handed out in parts, that is after the last.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pyarrow as pa

from odp_dlt.destinations.base import Destination, Session
from odp_dlt.destinations.statements import literal, quoted
from odp_dlt.errors import ConfigError
from odp_dlt.pipeline.offered import not_offered
from odp_dlt.pipeline.recall import stored_schema
from odp_dlt.pipeline.relation import Relation, select
from odp_dlt.registry import nearest
from odp_dlt.schema.model import LOAD_ID, LOADS_TABLE, VERSION_TABLE, Schema

_ABSENT = frozenset({"ibis", "ibis_connection", "sqlglot_schema", "write"})


class UnknownTable(ConfigError, KeyError, AttributeError):  # noqa: N818 - as dlt's users catch it
    """There is no such table. A KeyError for `ds["x"]`, an AttributeError for `ds.x`."""


@dataclass(frozen=True)
class Dataset:
    """The tables of one dataset. `schema_name` is the schema whose tables `tables` lists."""

    destination: Destination
    dataset_name: str
    schema_name: str | None = None

    @property
    def schema(self) -> Schema:
        """The newest stored schema. ConfigError if nothing was ever loaded."""
        with self._reading() as session:
            return self._schema(session)

    @property
    def tables(self) -> list[str]:
        """The tables that exist: those of the schema in its order, then dlt's own."""
        with self._reading() as session:
            return self._tables(session)

    def table(self, table_name: str) -> "Relation":
        """All rows of a table. UnknownTable, with those that there are, if it is none of them."""
        with self._reading() as session:
            if not session.columns(table_name):
                known = self._tables(session) if session.columns(VERSION_TABLE) else ()
                raise UnknownTable(
                    f"there is no table '{table_name}'",
                    at=self.dataset_name,
                    hint=nearest(table_name, known),
                )
        return Relation(self, quoted(table_name))

    def query(self, sql: str) -> "Relation":
        """The rows of a SELECT in the destination's SQL; bare names are tables of the dataset."""
        return select(self, sql)

    def row_counts(
        self,
        *,
        data_tables: bool = True,
        dlt_tables: bool = False,
        table_names: Sequence[str] | None = None,
        load_id: str | None = None,
    ) -> "Relation":
        """Table name and row count, a row for each table; with `load_id` the rows of that load.

        Nested rows have no load id, so these tables are then left out.
        """
        with self._reading() as session:
            names = table_names or [
                name
                for name in self._tables(session)
                if (dlt_tables if name.startswith("_dlt_") else data_tables)
            ]
            if load_id is not None:
                names = [name for name in names if LOAD_ID in session.columns(name)]
        where = "" if load_id is None else f" WHERE {quoted(LOAD_ID)} = {literal(load_id)}"
        counts = [
            f"SELECT {literal(name)} AS table_name, count(*) AS row_count "
            f"FROM {quoted(name)}{where}"
            for name in names
        ]
        none = "SELECT '' AS table_name, 0 AS row_count WHERE 1 = 0"
        return self.query(" UNION ALL ".join(counts) or none)

    def load_ids(self, schema_name: str | None = None) -> list[str]:
        """The ids of all complete loads, or of those of one schema, the oldest first."""
        with self._reading() as session:
            loads = session.read(LOADS_TABLE)
        return [
            str(row["load_id"])
            for row in sorted(loads.to_pylist(), key=lambda row: row["inserted_at"])
            if row["status"] == 0 and schema_name in (None, row["schema_name"])
        ]

    def latest_load_id(self, schema_name: str | None = None) -> str | None:
        """The id of the newest complete load; None if there is none."""
        ids = self.load_ids(schema_name)
        return ids[-1] if ids else None

    def select(self, sql: str) -> pa.Table:
        """The rows of one SELECT."""
        with self._reading() as session:
            return session.select(sql)

    def batches(self, sql: str, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of one SELECT, about `rows` at a time, read as they are taken.

        The session ends after the last of them, or when the iterator is closed or let go.
        """
        with self._reading() as session:
            yield from session.batches(sql, rows)

    def __call__(self, sql: str) -> "Relation":
        return self.query(sql)

    def __getitem__(self, table_name: str) -> "Relation":
        return self.table(table_name)

    def __getattr__(self, name: str) -> "Relation":
        """The table `name`. UnknownTable if there is none."""
        if name in _ABSENT:
            raise not_offered(f"Dataset.{name}")
        if name.startswith("__"):
            raise AttributeError(name)
        return self.table(name)

    def _reading(self) -> AbstractContextManager[Session]:
        return self.destination.open(self.dataset_name, write=False)

    def _schema(self, session: Session) -> Schema:
        name = self.schema_name
        found = None if name is None else stored_schema(session, name)
        if found is None:
            raise ConfigError(
                f"the dataset '{self.dataset_name}' has no schema"
                + (f" '{name}'" if name is not None else ""),
                hint="Load something into it first: pipeline.run(…).",
            )
        return found

    def _tables(self, session: Session) -> list[str]:
        schema = self._schema(session)
        own = [name for name in schema.tables if name.startswith("_dlt_")]
        names = [*(table.name for table in schema.data_tables()), *own]
        return [name for name in names if session.columns(name)]
