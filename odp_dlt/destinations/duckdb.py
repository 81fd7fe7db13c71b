"""DuckDB files: one writer process at a time, so the others wait for the commit in a queue."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa
from pydantic import Field

from odp_dlt.destinations.base import Destination, Session
from odp_dlt.destinations.rows import Rows
from odp_dlt.destinations.sql import DISPOSITIONS, STRATEGIES, SqlSession
from odp_dlt.destinations.statements import qualified, quoted
from odp_dlt.destinations.waiting import Held, queue, waited
from odp_dlt.errors import ConfigError, DestinationError
from odp_dlt.schema.model import Column, Disposition, Table
from odp_dlt.settings import AnchoredPath

if TYPE_CHECKING:  # the driver is imported by the first connection: definitions need none
    from duckdb import DuckDBPyConnection

_TYPES = {
    "text": "VARCHAR", "double": "DOUBLE", "bool": "BOOLEAN", "date": "DATE", "time": "TIME",
    "binary": "BLOB", "json": "JSON", "wei": "DECIMAL(38,0)",
}  # fmt: skip
_INTEGERS = {8: "TINYINT", 16: "SMALLINT", 32: "INTEGER", 64: "BIGINT", 128: "HUGEINT"}
_NAIVE_TIMESTAMPS = {0: "TIMESTAMP_S", 3: "TIMESTAMP_MS", 9: "TIMESTAMP_NS"}


def type_name(column: Column) -> str:
    """DuckDB's type for a schema column, as dlt chooses it."""
    match column.data_type:
        case "bigint":
            return _INTEGERS.get(column.precision or 64, "BIGINT")
        case "decimal":
            scale = 9 if column.scale is None else column.scale
            return f"DECIMAL({column.precision or 38},{scale})"
        case "timestamp" if column.timezone is False:
            return _NAIVE_TIMESTAMPS.get(
                6 if column.precision is None else column.precision, "TIMESTAMP"
            )
        case "timestamp":
            return "TIMESTAMP WITH TIME ZONE"
        case None:
            raise ValueError(f"column '{column.name}' has no type")
        case other:
            return _TYPES[other]


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C during a statement inside is a KeyboardInterrupt; DuckDB calls it a RuntimeError."""
    try:
        yield
    except RuntimeError as e:
        if str(e) == "Query interrupted":
            raise KeyboardInterrupt from None
        raise


@contextmanager
def connection(
    database: str | Path, *, write: bool = True, wait_s: float = 600.0
) -> Iterator["DuckDBPyConnection"]:
    """A connection to the file `database`; with `write` it and its folder are made if missing.

    Waits until no other process or thread holds the file, with a log line now and then, for up to
    `wait_s` seconds; then DestinationBusy. A file that is not DuckDB's is a DestinationError.
    """
    path = Path(database)
    if not write:
        if not path.exists():
            raise DestinationError(
                f"there is no database file '{path}'", hint="Load into it first."
            )
        con = waited(lambda: _connect(path, read_only=True), path, wait_s)
        try:
            with interruptible():
                yield con
        finally:
            con.close()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with queue(path, wait_s):
        con = waited(lambda: _connect(path, read_only=False), path, wait_s)
        try:
            with interruptible():
                yield con
        finally:
            con.close()


def _connect(path: Path, *, read_only: bool) -> "DuckDBPyConnection":
    import duckdb

    try:
        return duckdb.connect(str(path), read_only=read_only)
    except duckdb.IOException as e:
        text = str(e)
        if "lock" in text.lower():
            holder = re.search(r"PID (\d+)", text)
            raise Held(f"process {holder.group(1)}" if holder else "another process") from e
        if "not a valid DuckDB" in text:
            raise DestinationError(
                f"'{path}' is not a DuckDB database file",
                hint="Point `database` at another file, or move this one away.",
            ) from e
        raise DestinationError(f"cannot open '{path}': {text}") from e
    except duckdb.ConnectionException as e:
        if "different configuration" in str(e):
            raise Held("another part of this process") from e
        raise DestinationError(f"cannot open '{path}': {e}") from e


class DuckdbSession(SqlSession):
    """A session in one transaction of one connection."""

    def __init__(self, dataset: str, con: "DuckDBPyConnection") -> None:
        super().__init__(dataset)
        self.con = con
        found = con.execute("SELECT current_database()").fetchone()
        self.catalog = str(found[0]) if found else ""

    def named(self, table: str) -> str:
        """With the catalog: a dataset may be named like its file, and would be ambiguous alone."""
        return qualified(self.catalog, self.dataset, table)

    def create_dataset(self) -> None:
        """Make the dataset, if it is missing."""
        self.run(f"CREATE SCHEMA IF NOT EXISTS {qualified(self.catalog, self.dataset)}")

    def run(self, sql: str) -> None:
        import duckdb

        try:
            self.con.execute(sql)
        except duckdb.Error as e:
            raise DestinationError(f"DuckDB refused: {e}", at=self.dataset) from e

    def query(self, sql: str, values: Sequence[str] = ()) -> pa.Table:
        import duckdb

        try:
            return self.con.sql(sql, params=list(values)).to_arrow_table()
        except duckdb.Error as e:
            raise DestinationError(f"DuckDB refused: {e}", at=self.dataset) from e

    def counted(self, sql: str) -> tuple[list[str], int]:
        import duckdb

        try:
            if duckdb.extract_statements(sql)[0].type != duckdb.StatementType.SELECT:
                self.con.execute(sql)
                return [], 0
            rows = self.con.sql(sql)
            return rows.columns, sum(batch.num_rows for batch in rows.to_arrow_reader(100_000))
        except duckdb.Error as e:
            raise DestinationError(f"DuckDB refused: {e}", at=self.dataset) from e

    def columns(self, table: str) -> dict[str, str]:
        found = self.con.execute(
            "SELECT column_name, data_type FROM duckdb_columns() "
            "WHERE database_name = current_database() AND schema_name = ? AND table_name = ? "
            "ORDER BY column_index",
            [self.dataset, table],
        ).fetchall()
        return {str(name): str(type_) for name, type_ in found}

    def settled(self) -> Sequence[str]:
        found = self.con.execute(
            "SELECT 1 FROM duckdb_schemas() "
            "WHERE database_name = current_database() AND schema_name = ?",
            [self.dataset],
        ).fetchall()
        return [f"USE {qualified(self.catalog, self.dataset)}"] if found else []

    def ingest(self, table: Table, rows: pa.RecordBatchReader) -> int:
        columns = ", ".join(quoted(name) for name in rows.schema.names)
        target = self.named(table.name)
        return self._take(f"INSERT INTO {target} ({columns}) SELECT {columns}", rows, table.name)

    def stage(self, name: str, rows: pa.RecordBatchReader) -> int:
        return self._take(f"CREATE TEMPORARY TABLE {name} AS SELECT *", rows, name)

    def _take(self, sql: str, rows: pa.RecordBatchReader, at: str) -> int:
        import duckdb

        taken = Rows(rows, rows.schema)
        self.con.register("odp_rows", taken.reader)
        try:
            loaded = self.con.execute(f"{sql} FROM odp_rows").fetchone()
        except duckdb.Error as e:
            where = f"{self.dataset}.{at}"
            refusal = DestinationError(f"DuckDB refused the rows: {e}", at=where)
            raise taken.failure or refusal from e
        self.con.unregister("odp_rows")
        return int(loaded[0]) if loaded else 0

    def type_name(self, column: Column) -> str:
        return type_name(column)


class Duckdb(Destination):
    """A DuckDB file; a relative path counts from the project's root."""

    dispositions: ClassVar[frozenset[Disposition]] = DISPOSITIONS
    strategies: ClassVar[frozenset[str]] = STRATEGIES

    database: AnchoredPath | None = None
    wait_s: float = Field(default=600.0, gt=0)

    def bound(self, pipeline_name: str) -> "Duckdb":
        if self.database is not None:
            return self
        return self.model_copy(update={"database": Path.cwd() / f"{pipeline_name}.duckdb"})

    @contextmanager
    def open(self, dataset: str, *, write: bool = True) -> Iterator[Session]:
        import duckdb

        path = self._path()
        if not write and not path.exists():
            with duckdb.connect(":memory:") as con:
                yield DuckdbSession(dataset, con)
            return
        with connection(path, write=write, wait_s=self.wait_s) as con:
            if not write:
                yield DuckdbSession(dataset, con)
                return
            con.execute("SET preserve_insertion_order = false")
            con.execute("BEGIN")
            session = DuckdbSession(dataset, con)
            session.create_dataset()
            yield session  # an error leaves here, and closing rolls back
            try:
                con.execute("COMMIT")
            except duckdb.Error as e:
                raise DestinationError(f"DuckDB could not commit: {e}", at=path) from e

    def address(self, dataset: str, table: str) -> str:
        catalog = self.database.stem if self.database is not None else None
        return f"{catalog}.{dataset}.{table}" if catalog == dataset else f"{dataset}.{table}"

    def location(self) -> str:
        return str(self._path())

    def type_name(self, column: Column) -> str | None:
        return type_name(column) if column.data_type else None

    def _path(self) -> Path:
        if self.database is None:
            raise ConfigError(
                "the duckdb destination has no database",
                hint="Give it one: `destination_params: {database: data/NAME.db}`.",
            )
        return self.database
