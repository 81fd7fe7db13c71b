"""`duckdb`: one DuckDB database that tasks read and write."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from pydantic import AliasChoices, ConfigDict, Field

from odp_dlt.resources.base import Resource
from odp_dlt.settings import AnchoredPath

if TYPE_CHECKING:  # the driver is imported when a task first connects
    from duckdb import DuckDBPyConnection


class DuckDB(Resource):
    """`database` (or `database_path`) is a file; `:memory:` is a new one for each connection."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    database: Literal[":memory:"] | AnchoredPath = Field(
        validation_alias=AliasChoices("database", "database_path")
    )
    wait_s: float = Field(default=600.0, gt=0)

    @contextmanager
    def connection(self, write: bool = True) -> Iterator["DuckDBPyConnection"]:
        """A connection, closed at the end of the `with`; nothing is committed for you.

        One process at a time may write, and nobody reads meanwhile: so this waits, up to `wait_s`
        seconds, then raises DestinationBusy. DestinationError if the file is not DuckDB's.
        """
        if self.database == ":memory:":
            import duckdb

            with duckdb.connect(":memory:") as con:
                yield con
            return
        from odp_dlt.destinations.duckdb import connection

        with connection(self.database, write=write, wait_s=self.wait_s) as con:
            yield con
