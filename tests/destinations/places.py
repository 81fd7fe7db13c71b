"""Places of every kind that rows are loaded into, and what the suite does with one."""

import functools
import inspect
import secrets
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from odp_dlt import dlt
from odp_dlt.destinations.base import Destination
from odp_dlt.destinations.duckdb import Duckdb
from odp_dlt.destinations.filesystem import Filesystem
from odp_dlt.destinations.postgres import Postgres
from odp_dlt.destinations.sqlite import Sqlite
from odp_dlt.errors import ConfigError
from odp_dlt.pipeline.info import LoadInfo
from odp_dlt.pipeline.pipeline import Pipeline
from odp_dlt.settings import Settings

SQL = ("duckdb", "postgres", "sqlite")
KINDS = (*SQL, "memory", "filesystem")

Test = Callable[..., None]


@dataclass(frozen=True)
class Place:
    """A dataset of one destination, and how to load into it and look at it."""

    folder: Path
    destination: Destination
    dataset: str

    def pipeline(self, **more: Any) -> Pipeline:
        """A pipeline `shop` as a new process would make it."""
        settings = Settings.from_folder(self.folder, {})
        work = self.folder / "packages"
        return Pipeline("shop", self.destination, self.dataset, settings, work_dir=work, **more)

    def load(
        self,
        rows: Any,
        name: str = "orders",
        *,
        allow_empty: bool = False,
        root_key: bool | None = None,
        **hints: Any,
    ) -> LoadInfo:
        """Load `rows` by a resource `name` of the source `shop`."""

        @dlt.source(root_key=root_key)
        def shop() -> Any:
            return dlt.resource(rows, name=name, **hints)

        return self.pipeline().run(shop(), allow_empty=allow_empty)

    def merge(self, rows: Any, strategy: str, **hints: Any) -> LoadInfo:
        """Load `rows` by a merge, with the key `id` unless another is given."""
        options = {"disposition": "merge", "strategy": strategy, **hints.pop("options", {})}
        if not {"primary_key", "merge_key"} & set(hints) and strategy != "scd2":
            hints["primary_key"] = "id"
        return self.load(rows, write_disposition=options, **hints)

    def read(self, table: str) -> list[dict[str, Any]]:
        with self.destination.open(self.dataset, write=False) as session:
            rows: list[dict[str, Any]] = session.read(table).to_pylist()
            return rows

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """The values of `columns`, in the order of these values, nulls first."""
        found = [tuple(row.get(column) for column in columns) for row in self.read(table)]
        return sorted(found, key=lambda row: [(v is not None, v) for v in row])

    def nested(self, child: str, column: str, *, root: str = "orders") -> list[tuple[Any, Any]]:
        """`id` of the root row and a value of each row nested in it; all rows must have one."""
        ids = {row["_dlt_id"]: row["id"] for row in self.read(root)}
        rows = [(ids[row["_dlt_parent_id"]], row.get(column)) for row in self.read(child)]
        return sorted(rows, key=lambda row: [(v is not None, v) for v in row])

    def can(self, disposition: str, strategy: str | None = None) -> bool:
        able = disposition in self.destination.dispositions
        return able and (strategy is None or strategy in self.destination.strategies)


def needs(disposition: str, *strategies: str) -> Callable[[Test], Test]:
    """Runs a test where its place can do that; elsewhere the test is that the place refuses.

    Without `strategies` those of the parameter `strategy` count.
    """

    def decorate(test: Test) -> Test:
        @functools.wraps(test)
        def run(place: Place, **more: Any) -> None:
            wanted = strategies or (more.get("strategy"),)
            lacking = [s for s in wanted if not place.can(disposition, s)]
            if lacking:
                refuses(place, disposition, lacking[0])
            elif "place" in inspect.signature(test).parameters:
                test(place=place, **more)

        return run

    return decorate


def refuses(place: Place, disposition: str, strategy: str | None) -> None:
    fetched: list[int] = []

    def rows() -> Iterator[Any]:
        fetched.append(1)
        yield {"id": 1}

    how = {"disposition": disposition} | ({"strategy": strategy} if strategy else {})
    with pytest.raises(ConfigError, match="cannot merge") as e:
        place.load(rows, write_disposition=how, primary_key="id")
    assert "It can: " in str(e.value)
    assert fetched == []


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL server."""

    uri: str

    def new(self, folder: Path, **more: Any) -> Place:
        made = Postgres.model_validate({"connection_string": self.uri, **more})
        return Place(folder, made, f"data_{secrets.token_hex(6)}")

    def new_database(self) -> str:
        """The URI of a new database of the server, in the form that dlt takes too."""
        from adbc_driver_postgresql import dbapi

        name = f"db_{secrets.token_hex(6)}"
        with dbapi.connect(self.uri, autocommit=True) as con, con.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        _, _, host = self.uri.partition("?")
        return f"postgresql://postgres:none@localhost/{name}?{host}"


@contextmanager
def postgres_server() -> Iterator[Server]:
    """A server of its own, from the binaries in the wheel of pgserver; it listens on a socket.

    Its folder is short, as the path of a socket must be, and readable for the server's own user.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgserver: Any = pytest.importorskip(
            "pgserver", reason="the wheel pgserver, which brings PostgreSQL, is not installed"
        )
        folder = tempfile.mkdtemp(prefix="odp-pg-")
        try:
            server = pgserver.get_server(folder, cleanup_mode="stop")
            try:
                yield Server(server.get_uri())
            finally:
                server.cleanup()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def place_of(kind: str, folder: Path, request: pytest.FixtureRequest) -> Place:
    """A new place of any kind; the server is the fixture `postgres`."""
    if kind != "postgres":
        return file_place(kind, folder)
    server: Server = request.getfixturevalue("postgres")
    return server.new(folder)


def file_place(kind: str, folder: Path) -> Place:
    """A new place of any kind but postgres."""
    made: Destination
    if kind == "duckdb":
        made = Duckdb(database=folder / "data.duckdb")  # a catalog named like the dataset
    elif kind == "memory":
        made = Duckdb(database=f":memory:{secrets.token_hex(6)}")
    elif kind == "sqlite":
        made = Sqlite(database=folder / "place.sqlite")
    else:
        made = Filesystem(bucket_url=str(folder / "lake"))
    return Place(folder, made, "data")


def ids(rows: Sequence[dict[str, Any]]) -> list[Any]:
    return sorted(row["id"] for row in rows)
