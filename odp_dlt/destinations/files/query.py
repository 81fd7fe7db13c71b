"""SQL over the tables of a dataset of files, by DuckDB in memory."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from odp_dlt.errors import DestinationError

if TYPE_CHECKING:  # the driver is imported by the first query
    from duckdb import DuckDBPyRelation

Tables = Mapping[str, Callable[[], object]]


def select(sql: str, tables: Tables, at: str) -> pa.Table:
    """The rows of one SELECT over `tables`: by name, what gives something that DuckDB scans.

    Only the tables that it names are asked for, and it sees nothing else: no file, no network.
    """
    with _found(sql, tables, at) as found:
        return found.to_arrow_table()


def batches(sql: str, tables: Tables, at: str, rows: int) -> Iterator[pa.RecordBatch]:
    """As `select`, `rows` at a time, read as they are taken."""
    with _found(sql, tables, at) as found:
        yield from found.to_arrow_reader(rows)


@contextmanager
def _found(sql: str, tables: Tables, at: str) -> Iterator["DuckDBPyRelation"]:
    import duckdb

    by_name = {name.lower(): name for name in tables}
    with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as con:
        try:
            for said in con.get_table_names(sql):
                name = by_name.get(said.lower())
                if name is not None:
                    con.register(name, tables[name]())
            yield con.sql(sql)
        except duckdb.Error as e:
            raise DestinationError(f"DuckDB refused: {e}", at=at) from e
