"""A dataset begun with dlt is continued here, and the other way round: it ends as dlt's own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dlt as real_dlt
import pytest

from odp_dlt import dlt as own_dlt
from tests.compat.turns import (
    ENGINES,
    FEEDS,
    Dataset,
    Store,
    as_told,
    duckdb_store,
    look,
    postgres_store,
    rows_of,
    take_turns,
)
from tests.destinations.places import Server

ORDERS = ("dlt ours dlt", "ours dlt ours", "ours ours ours")


@dataclass(frozen=True)
class Ended:
    """A database after three turns of both engines, and what it holds if dlt takes all three."""

    store: Store
    home: Path
    here: Dataset
    dlts: Dataset


def new_store(kind: str, folder: Path, request: pytest.FixtureRequest) -> Store:
    if kind == "duckdb":
        return duckdb_store(folder)
    server: Server = request.getfixturevalue("postgres")
    return postgres_store(server.new_database())


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def dlts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Dataset]:
    home = tmp_path_factory.mktemp("dlts")
    store = new_store(request.param, home, request)
    take_turns(store, ["dlt", "dlt", "dlt"], home)
    return request.param, look(store)


@pytest.fixture(scope="module", params=ORDERS)
def ended(
    request: pytest.FixtureRequest,
    dlts: tuple[str, Dataset],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Ended]:
    home = tmp_path_factory.mktemp("turns")
    store = new_store(dlts[0], home, request)
    take_turns(store, request.param.split(), home)
    yield Ended(store, home, look(store), dlts[1])


def test_there_are_the_same_tables_columns_and_types(ended: Ended) -> None:
    assert ended.here.columns == ended.dlts.columns


@pytest.mark.parametrize("feed", FEEDS)
def test_there_are_the_same_rows_with_the_same_hashes(ended: Ended, feed: str) -> None:
    rows = rows_of(ended.here, feed)
    assert rows
    assert rows == rows_of(ended.dlts, feed)


def test_the_schema_has_gone_through_the_same_versions(ended: Ended) -> None:
    assert len(ended.dlts.versions) == 3
    assert ended.here.versions == ended.dlts.versions


def test_the_loads_are_recorded_alike(ended: Ended) -> None:
    assert [status for _, status, _ in ended.here.loads] == [0, 0, 0]
    assert ended.here.loads == ended.dlts.loads


def test_the_state_has_gone_through_the_same_versions(ended: Ended) -> None:
    assert [version for version, _ in ended.dlts.states] == [1, 2, 3]
    assert ended.here.states == ended.dlts.states


@pytest.mark.parametrize("engine", ENGINES)
def test_each_engine_reads_what_both_have_left(ended: Ended, engine: str) -> None:
    sources, version = as_told(ended.store, engine, ended.home)
    assert sources == ended.here.states[-1][1]["sources"]
    assert version == ended.here.versions[-1]


def test_dlt_reads_the_schema_file_that_a_script_exports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt_home"))
    monkeypatch.chdir(tmp_path)
    pipeline = own_dlt.pipeline(
        "feed",
        destination=own_dlt.destinations.duckdb(str(tmp_path / "events.duckdb")),
        dataset_name="data",
        export_schema_path=str(tmp_path / "export"),
    )

    @own_dlt.source(name="feed")
    def feed() -> Any:
        return own_dlt.resource([{"n": 1, "tags": ["a", "b"]}], name="events", primary_key="n")

    info = pipeline.run(feed())
    storage = real_dlt.common.storages.SchemaStorage
    (file,) = (tmp_path / "export").glob("*.schema.yaml")
    loaded = storage.load_schema_file(str(file.parent), "feed", extensions=("yaml",))
    assert loaded.stored_version_hash == loaded.version_hash == info.schema.version_hash
    assert [t["name"] for t in loaded.data_tables()] == ["events", "events__tags"]
