"""SQLite files by ADBC: a dataset is a file of its own, as in dlt; loads of one queue for it.

SQLite knows five kinds of values. Decimals are kept as text, since its numbers would round them;
moments as text in UTC, `2024-01-31 12:00:00.000000`; booleans as 0 and 1.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from pydantic import Field

from odp_dlt.destinations.adbc import AdbcSession, driver
from odp_dlt.destinations.base import Destination, Session
from odp_dlt.destinations.rows import Rows
from odp_dlt.destinations.sql import DISPOSITIONS, STRATEGIES
from odp_dlt.destinations.statements import literal, qualified
from odp_dlt.destinations.waiting import queue
from odp_dlt.errors import ConfigError, DestinationBusy, DestinationError, OdpError
from odp_dlt.schema.model import Column, Disposition, Table
from odp_dlt.settings import AnchoredPath

_TYPES = {
    "text": "TEXT", "double": "DOUBLE", "bool": "BOOLEAN", "date": "DATE", "time": "TIME",
    "timestamp": "TIMESTAMP", "binary": "BLOB", "json": "TEXT", "decimal": "TEXT", "wei": "TEXT",
}  # fmt: skip
_EXACT = frozenset({"decimal", "wei"})
_MAIN = "main"


def type_name(column: Column) -> str:
    """The type that SQLite is told for a schema column; it decides little."""
    if column.data_type is None:
        raise ValueError(f"column '{column.name}' has no type")
    if column.data_type == "bigint":
        return "BIGINT" if (column.precision or 64) <= 64 else "TEXT"
    return _TYPES[column.data_type]


class _Spelled(Rows):
    """Rows as the five kinds of values that SQLite has."""

    def __init__(self, rows: pa.RecordBatchReader) -> None:
        schema = pa.schema([(f.name, _kind(f.type)) for f in rows.schema])
        super().__init__(rows, schema)

    def changed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        arrays = [_spelled(batch.column(f.name), f.name) for f in batch.schema]
        return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _kind(arrow: pa.DataType) -> pa.DataType:
    if pt.is_boolean(arrow) or pt.is_integer(arrow):
        return pa.int64()
    if pt.is_floating(arrow):
        return pa.float64()
    return pa.binary() if pt.is_binary(arrow) else pa.string()


def _spelled(values: pa.Array, column: str) -> pa.Array:
    if pt.is_floating(values.type) and pc.any(pc.is_nan(values)).as_py():
        raise DestinationError(
            "SQLite would make NaN a null", at=column, hint="Replace NaN in the source."
        )
    if pt.is_timestamp(values.type):
        values = values.cast(pa.timestamp(values.type.unit))
    return values.cast(_kind(values.type))


class SqliteSession(AdbcSession):
    """A session in one transaction of one connection to the dataset's file."""

    def named(self, table: str) -> str:
        return qualified(_MAIN, table)

    def columns(self, table: str) -> dict[str, str]:
        found = self.query(
            f"SELECT name, type FROM pragma_table_info({literal(table)}, '{_MAIN}') ORDER BY cid"
        ).to_pydict()
        return dict(zip(found["name"], found["type"], strict=True))

    def ingest(self, table: Table, rows: pa.RecordBatchReader) -> int:
        return self.put(table.name, _Spelled(rows), mode="append", catalog_name=_MAIN)

    def stage(self, name: str, rows: pa.RecordBatchReader) -> int:
        return self.put(name, _Spelled(rows), mode="create", temporary=True)

    def moment(self, at: datetime) -> str:
        return literal(f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}")

    def sorts(self, table: Table) -> Mapping[str, str]:
        return {n: "NUMERIC" for n, c in table.typed_columns().items() if c.data_type in _EXACT}

    def type_name(self, column: Column) -> str:
        return type_name(column)

    def refusal(self, error: Exception, at: str) -> OdpError:
        return _refusal(error, at)


def _refusal(error: Exception, at: object) -> OdpError:
    text = " ".join(str(error).split())
    if "locked" in text or "busy" in text.lower():
        return DestinationBusy(
            f"SQLite: {text}", at=at, hint="Close what has the file open, and run again."
        )
    if "not a database" in text:
        return DestinationError(
            f"'{at}' is not an SQLite database file",
            hint="Point `database` at another file, or move this one away.",
        )
    return DestinationError(f"SQLite refused: {text}", at=at)


class Sqlite(Destination):
    """SQLite files: the dataset `data` of `shop.sqlite` is the file `shop__data.sqlite` beside it,
    and the dataset `main` is the file itself. A relative path counts from the project's root.
    """

    dispositions: ClassVar[frozenset[Disposition]] = DISPOSITIONS
    strategies: ClassVar[frozenset[str]] = STRATEGIES

    database: AnchoredPath | None = None
    wait_s: float = Field(default=600.0, gt=0)

    def bound(self, pipeline_name: str) -> Self:
        if self.database is not None:
            return self
        return self.model_copy(update={"database": Path.cwd() / f"{pipeline_name}.sqlite"})

    @contextmanager
    def open(self, dataset: str, *, write: bool = True) -> Iterator[Session]:
        path = self.file(dataset)
        if not write:
            with self._connected(path if path.exists() else None) as con:
                session = SqliteSession(dataset, con)
                session.run("PRAGMA query_only = ON")
                yield session
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with queue(path, self.wait_s), self._connected(path) as con:
            con.adbc_connection.set_autocommit(False)
            session = SqliteSession(dataset, con)
            yield session
            with session.cursor():
                con.adbc_connection.commit()  # the connection's own commit thinks of autocommit

    def file(self, dataset: str) -> Path:
        """The file that holds `dataset`."""
        path = self._path()
        return path if dataset == _MAIN else path.with_stem(f"{path.stem}__{dataset}")

    def address(self, dataset: str, table: str) -> str:
        return f"{dataset}.{table}"

    def location(self) -> str:
        return str(self._path())

    def type_name(self, column: Column) -> str | None:
        return type_name(column) if column.data_type else None

    @contextmanager
    def _connected(self, path: Path | None) -> Iterator[Any]:
        """A connection; to an empty database in memory without `path`."""
        sqlite = driver("sqlite", "sqlite")
        con = sqlite.connect(":memory:" if path is None else str(path), autocommit=True)
        try:
            with con.cursor() as cursor:
                cursor.execute(f"PRAGMA busy_timeout = {int(self.wait_s * 1000)}")
                cursor.execute("SELECT count(*) FROM sqlite_master").fetchall()
        except sqlite.Error as e:
            con.close()
            raise _refusal(e, path) from e
        try:
            yield con
        finally:
            con.close()

    def _path(self) -> Path:
        if self.database is None:
            raise ConfigError(
                "the sqlite destination has no database",
                hint="Give it one: `destination_params: {database: data/NAME.sqlite}`.",
            )
        return self.database
