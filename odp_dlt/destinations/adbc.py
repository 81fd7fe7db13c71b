"""Sessions over ADBC drivers: Arrow in, Arrow out."""

import importlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pyarrow as pa

from odp_dlt.destinations.rows import Rows
from odp_dlt.destinations.sql import SqlSession
from odp_dlt.errors import ConfigError, OdpError


def driver(name: str, extra: str) -> ModuleType:
    """The driver's module; ConfigError that names the extra if it is not installed."""
    try:
        return importlib.import_module(f"adbc_driver_{name}.dbapi")
    except ModuleNotFoundError as e:
        raise ConfigError(
            f"the destination '{extra}' needs a driver that is not installed",
            hint=f"Install it: pip install 'odp-dlt[{extra}]'.",
        ) from e


class AdbcSession(SqlSession):
    """A session in one transaction of one connection."""

    def __init__(self, dataset: str, con: Any) -> None:
        super().__init__(dataset)
        self.con = con

    @abstractmethod
    def refusal(self, error: Exception, at: str) -> OdpError:
        """What a person is told of an error of the driver."""

    def run(self, sql: str) -> None:
        with self.cursor() as cursor:
            cursor.execute(sql)

    def query(self, sql: str, values: Sequence[str] = ()) -> pa.Table:
        with self.cursor() as cursor:
            cursor.execute(sql, tuple(values) or None)
            return cursor.fetch_arrow_table()

    def counted(self, sql: str) -> tuple[list[str], int]:
        with self.cursor() as cursor:
            cursor.execute(sql)
            if cursor.description is None:
                return [], 0
            with cursor.fetch_record_batch() as rows:
                return rows.schema.names, sum(batch.num_rows for batch in rows)

    def put(self, name: str, rows: Rows, **where: Any) -> int:
        """Copy `rows` to the table `name`; `where` says how, in ADBC's words."""
        with self.cursor(name, rows) as cursor:
            return int(cursor.adbc_ingest(name, rows.reader, **where))

    @contextmanager
    def cursor(self, at: str = "", rows: Rows | None = None) -> Iterator[Any]:
        """A cursor, the errors of which are turned into ours."""
        from adbc_driver_manager.dbapi import Error

        try:
            with self.con.cursor() as cursor:
                yield cursor
        except Error as e:
            if rows is not None and rows.failure is not None:
                raise rows.failure from e
            raise self.refusal(e, f"{self.dataset}.{at}" if at else self.dataset) from e
