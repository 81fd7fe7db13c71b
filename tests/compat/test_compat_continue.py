"""A dataset begun with dlt is continued here, and the other way round."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt as real_dlt
import duckdb
import pytest

from odp_dlt import dlt as own_dlt


@pytest.fixture(autouse=True)
def _dlt_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt_home"))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.chdir(tmp_path)


def feed(dlt: Any, numbers: list[int]) -> Any:
    """The same source for both: rows with nested rows, and a cursor."""

    @dlt.source(name="feed")
    def source() -> Any:
        @dlt.resource(name="events", primary_key="n")
        def events(n: Any = dlt.sources.incremental("n")) -> Iterator[Any]:
            yield [{"n": i, "at": "2024-01-02T03:04:05Z", "tags": ["a", "b"]} for i in numbers]

        return events

    return source()


def run(dlt: Any, folder: Path, numbers: list[int], home: str) -> None:
    pipeline = dlt.pipeline(
        "feed",
        destination=dlt.destinations.duckdb(str(folder / "events.duckdb")),
        dataset_name="data",
        pipelines_dir=str(folder / home),
    )
    pipeline.run(feed(dlt, numbers))


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / "events.duckdb"), read_only=True) as con:
        return con.sql(sql).fetchall()


@pytest.mark.parametrize(
    "engines",
    [[real_dlt, own_dlt, real_dlt], [own_dlt, real_dlt, own_dlt]],
    ids=["dlt, ours, dlt", "ours, dlt, ours"],
)
def test_the_engines_take_turns_on_one_dataset(tmp_path: Path, engines: list[Any]) -> None:
    for turn, engine in enumerate(engines):
        run(engine, tmp_path, list(range(turn * 2, turn * 2 + 4)), f"home{turn}")
    assert rows(tmp_path, "SELECT n FROM data.events ORDER BY n") == [(n,) for n in range(8)]
    assert rows(tmp_path, "SELECT count(*) FROM data.events__tags") == [(16,)]
    versions = rows(
        tmp_path, "SELECT version_hash, count(*) FROM data._dlt_version GROUP BY 1 ORDER BY 2"
    )
    assert len(versions) == 1, "nothing changed, so both must find one and the same schema"
    assert len(rows(tmp_path, "SELECT * FROM data._dlt_loads WHERE status = 0")) == 3
    assert rows(tmp_path, "SELECT version FROM data._dlt_pipeline_state ORDER BY version") == [
        (1,),
        (2,),
        (3,),
    ]


def test_dlt_reads_the_schema_file_that_a_script_exports(tmp_path: Path) -> None:
    pipeline = own_dlt.pipeline(
        "feed",
        destination=own_dlt.destinations.duckdb(str(tmp_path / "events.duckdb")),
        dataset_name="data",
        export_schema_path=str(tmp_path / "export"),
    )
    info = pipeline.run(feed(own_dlt, [1]))
    storage = real_dlt.common.storages.SchemaStorage
    (file,) = (tmp_path / "export").glob("*.schema.yaml")
    loaded = storage.load_schema_file(str(file.parent), "feed", extensions=("yaml",))
    assert loaded.stored_version_hash == loaded.version_hash == info.schema.version_hash
    assert [t["name"] for t in loaded.data_tables()] == ["events", "events__tags"]
