"""What many tests need: a DuckDB file of a test's own, and datasets of every destination."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from filelock import FileLock

from odp_dlt.destinations.duckdb import Duckdb
from odp_dlt.pipeline.info import LoadInfo
from odp_dlt.pipeline.pipeline import Pipeline
from odp_dlt.settings import Settings
from tests.destinations.places import KINDS, SQL, Place, Server, place_of, postgres_server

DBT = ("dbt-core>=1.8,<1.12", "dbt-duckdb>=1.8")  # later ones fetch a part of themselves elsewhere


@dataclass(frozen=True)
class Loaded:
    """A dataset in a DuckDB file, and how to load more into it."""

    folder: Path
    database: Path

    def pipeline(self, name: str = "shop", dataset: str = "data", **more: Any) -> Pipeline:
        destination = Duckdb(database=self.database, wait_s=more.pop("wait_s", 60.0))
        return Pipeline(
            name,
            destination,
            dataset,
            Settings.from_folder(self.folder, {}),
            work_dir=self.folder / "packages",
            **more,
        )

    def load(self, data: Any, **hints: Any) -> LoadInfo:
        return self.pipeline().run(data, **hints)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database), read_only=True) as con:
            return con.sql(sql).fetchall()

    def columns(self, table: str, dataset: str = "data") -> dict[str, str]:
        found = self.rows(
            "SELECT column_name, data_type FROM duckdb_columns() "
            f"WHERE schema_name = '{dataset}' AND table_name = '{table}' ORDER BY column_index"
        )
        return dict(found)

    def tables(self, dataset: str = "data") -> set[str]:
        return {
            name
            for (name,) in self.rows(
                f"SELECT table_name FROM duckdb_tables() WHERE schema_name = '{dataset}'"
            )
        }


@pytest.fixture
def place(tmp_path: Path) -> Loaded:
    return Loaded(tmp_path, tmp_path / "place.duckdb")


@pytest.fixture
def new_place(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Loaded]:
    def make() -> Loaded:
        folder = tmp_path_factory.mktemp("place")
        return Loaded(folder, folder / "place.duckdb")

    return make


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with postgres_server() as server:
        yield server


@pytest.fixture(params=KINDS)
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A dataset of every kind of destination, one after the other."""
    return place_of(request.param, tmp_path, request)


@pytest.fixture(params=SQL)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A dataset of every kind of database, one after the other."""
    return place_of(request.param, tmp_path, request)


@pytest.fixture(scope="session")
def dbt_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The program dbt with its adapter for DuckDB on the PATH, in an environment of its own: its
    pins would hold back what the other tests use. Made once for all workers.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    home = shared / "dbt"
    with FileLock(shared / "dbt.lock"):
        if shutil.which("dbt") is None and not (home / "made").exists():
            make = [sys.executable, "-m", "venv", str(home)]
            install = [str(home / "bin/python"), "-m", "pip", "install", "-q", *DBT]
            for command in (make, install):
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    pytest.skip(f"dbt cannot be installed here: {done.stderr[-500:]}")
            (home / "made").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.pathsep.join([os.environ["PATH"], str(home / "bin")]))
        yield
