"""DuckDB: files, where one process at a time may write and the others wait for its commit in a
queue; and databases in memory or of MotherDuck.
"""

import re
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, ClassVar, Self

import pyarrow as pa
from pydantic import Field, SecretStr, field_validator

from odp_dlt.destinations.base import Destination, Session
from odp_dlt.destinations.duckdb_shared import (
    MEMORY,
    MOTHERDUCK,
    SharedName,
    checked_name,
    in_memory,
    motherduck,
)
from odp_dlt.destinations.rows import Rows
from odp_dlt.destinations.sql import DISPOSITIONS, STRATEGIES, SqlSession
from odp_dlt.destinations.statements import qualified, quoted
from odp_dlt.destinations.waiting import Held, queue, waited
from odp_dlt.errors import ConfigError, DestinationError
from odp_dlt.schema.model import Column, Disposition, Table
from odp_dlt.settings import AnchoredPath, Settings

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
def interruptible(con: "DuckDBPyConnection") -> Iterator[None]:
    """Ctrl-C during a statement of `con` inside ends it, and is a KeyboardInterrupt.

    DuckDB calls it a RuntimeError, and would wait until all its threads are done with the statement
    unless the signal itself tells them to stop.
    """
    before = signal.getsignal(signal.SIGINT)
    watching = threading.current_thread() is threading.main_thread() and callable(before)

    def stop(number: int, frame: FrameType | None) -> None:
        con.interrupt()
        if callable(before):
            before(number, frame)

    if watching:
        signal.signal(signal.SIGINT, stop)
    try:
        yield
    except RuntimeError as e:
        if str(e) == "Query interrupted":
            raise KeyboardInterrupt from None
        raise
    finally:
        if watching and signal.getsignal(signal.SIGINT) is stop:
            signal.signal(signal.SIGINT, before)


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
            with interruptible(con):
                yield con
        finally:
            con.close()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with queue(path, wait_s):
        con = waited(lambda: _connect(path, read_only=False), path, wait_s)
        try:
            with interruptible(con):
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
            raise Held("another part of this process, such as a dataset read in parts") from e
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

    def stream(self, sql: str, rows: int) -> Iterator[pa.RecordBatch]:
        import duckdb

        try:
            yield from self.con.sql(sql).to_arrow_reader(rows)
        except duckdb.Error as e:
            raise DestinationError(f"DuckDB refused: {e}", at=self.dataset) from e

    def _settle(self, sql: str) -> None:
        import duckdb

        try:
            single = len(self.con.extract_statements(sql)) == 1
        except duckdb.Error as e:
            raise DestinationError(f"DuckDB refused: {e}", at=self.dataset) from e
        if not single:  # a COMMIT before another statement would let that one write
            raise DestinationError("a SELECT is one statement", at=self.dataset)
        super()._settle(sql)

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
    """A DuckDB file; a relative path counts from the project's root. Or a database in memory,
    `:memory:` or `:memory:NAME`, or one of MotherDuck's, `md:NAME`.

    All sessions of a process share the database in memory of a name, until the process ends; in a
    script the name is the pipeline's unless one is given. The token of MotherDuck comes from
    `[destination.motherduck.credentials]`, as `password`, or from MOTHERDUCK_TOKEN.
    """

    dispositions: ClassVar[frozenset[Disposition]] = DISPOSITIONS
    strategies: ClassVar[frozenset[str]] = STRATEGIES

    database: SharedName | AnchoredPath | None = None
    token: SecretStr | None = None
    wait_s: float = Field(default=600.0, gt=0)

    @field_validator("database", mode="before")
    @classmethod
    def _checked_database(cls, database: object) -> object:
        return checked_name(database)

    def bound(self, pipeline_name: str) -> Self:
        if self.database is None:
            return self.model_copy(update={"database": Path.cwd() / f"{pipeline_name}.duckdb"})
        if self.database == MEMORY:
            return self.model_copy(update={"database": f"{MEMORY}{pipeline_name}"})
        return self

    def with_settings(self, settings: Settings) -> Self:
        known = super().with_settings(settings)
        if self.token is not None or not str(self.database).startswith(MOTHERDUCK):
            return known
        token = settings.resolve(
            "credentials.password",
            sections=("destination", "motherduck"),
            hint=str,
            secret=True,
            default=None,
        )
        return known.model_copy(update={"token": SecretStr(token) if token else None})

    @contextmanager
    def open(self, dataset: str, *, write: bool = True) -> Iterator[Session]:
        import duckdb

        with self._transaction(dataset, write=write) as con:
            session = DuckdbSession(dataset, con)
            if not write:
                yield session
                return
            session.create_dataset()
            yield session  # an error leaves here, and closing rolls back
            try:
                con.execute("COMMIT")
            except duckdb.Error as e:
                raise DestinationError(f"DuckDB could not commit: {e}", at=self._place()) from e

    def address(self, dataset: str, table: str) -> str:
        return (
            f"{dataset}.{table}" if self._catalog() != dataset else f"{dataset}.{dataset}.{table}"
        )

    def location(self) -> str:
        return str(self._place())

    def type_name(self, column: Column) -> str | None:
        return type_name(column) if column.data_type else None

    @contextmanager
    def _transaction(self, dataset: str, *, write: bool) -> Iterator["DuckDBPyConnection"]:
        """A connection in a transaction, which is rolled back unless it is committed; or one that
        can only read.
        """
        import duckdb

        place, wait_s = self._place(), self.wait_s
        if isinstance(place, Path):
            if not write and not place.exists():
                with duckdb.connect(MEMORY) as con:
                    yield con
                return
            with connection(place, write=write, wait_s=wait_s) as con:
                if write:
                    con.execute("SET preserve_insertion_order = false")
                    con.execute("BEGIN")
                yield con
            return
        token = self.token.get_secret_value() if self.token is not None else None
        with (
            motherduck(place, token, dataset, write=write, wait_s=wait_s)
            if place.startswith(MOTHERDUCK)
            else in_memory(place, write=write, wait_s=wait_s) as con,
            interruptible(con),
        ):
            yield con

    def _catalog(self) -> str | None:
        """What DuckDB calls the database."""
        if isinstance(self.database, str):
            return self.database.partition(MOTHERDUCK)[2] or "memory"
        return self.database.stem if self.database is not None else None

    def _place(self) -> Path | str:
        if self.database is None:
            raise ConfigError(
                "the duckdb destination has no database",
                hint="Give it one: `destination_params: {database: data/NAME.db}`.",
            )
        return self.database
