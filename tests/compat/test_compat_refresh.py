"""What a refresh leaves of tables, schema and state, and what a run counts: by dlt and by ours."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt as real_dlt
import duckdb
import pytest

from odp_dlt import dlt as own_dlt
from odp_dlt.pipeline.state import decode

MODES = ["drop_sources", "drop_resources", "drop_data"]


@pytest.fixture(autouse=True)
def _dlt_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt_home"))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.chdir(tmp_path)


def shop(dlt: Any, names: list[str], rows: int) -> Any:
    """`a` is merged and has nested rows, `b` is appended; both have a cursor."""

    @dlt.source(name="shop")
    def source() -> Any:
        @dlt.resource(primary_key="id", write_disposition="merge")
        def a(cursor: Any = dlt.sources.incremental("id", initial_value=0)) -> Iterator[Any]:
            yield [{"id": n, "k": [1, 2]} for n in range(rows)]

        @dlt.resource
        def b(cursor: Any = dlt.sources.incremental("id", initial_value=0)) -> Iterator[Any]:
            dlt.current.resource_state()["x"] = rows
            dlt.current.source_state()["y"] = rows
            yield [{"id": n} for n in range(rows)]

        return a, b

    made = source()
    return made.with_resources(*names) if names else made


def run_all(dlt: Any, folder: Path, mode: str, names: list[str]) -> tuple[dict[str, Any], Any, Any]:
    """Two runs of everything, then a smaller one of `names` with a refresh; what it leaves."""
    database = folder / f"{dlt.__name__}.duckdb"
    pipeline = dlt.pipeline(
        "refreshed",
        destination=dlt.destinations.duckdb(str(database)),
        dataset_name="data",
        pipelines_dir=str(folder / dlt.__name__),
    )
    for rows in (3, 4):
        pipeline.run(shop(dlt, [], rows))
    info = pipeline.run(shop(dlt, names, 2), refresh=mode)
    return left_in(database), info, pipeline.last_trace


def left_in(database: Path) -> dict[str, Any]:
    with duckdb.connect(str(database), read_only=True) as con:
        tables = [
            name
            for (name,) in con.sql(
                "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'data' ORDER BY 1"
            ).fetchall()
        ]
        state = con.sql(
            "SELECT state FROM data._dlt_pipeline_state ORDER BY version DESC LIMIT 1"
        ).fetchall()[0][0]
        decoded = decode(state)
        return {
            "tables": tables,
            "ids": {
                name: con.sql(f"SELECT id FROM data.{name} ORDER BY id").fetchall()
                for name in tables
                if name in ("a", "b")
            },
            "versions": len(con.sql("SELECT * FROM data._dlt_version").fetchall()),
            "sources": decoded["sources"],
            "state version": decoded["_state_version"],
        }


@pytest.mark.parametrize("names", [["b"], ["a"], []], ids=["b", "a", "all"])
@pytest.mark.parametrize("mode", MODES)
def test_a_refresh_leaves_what_dlt_leaves(tmp_path: Path, mode: str, names: list[str]) -> None:
    theirs, their_info, their_trace = run_all(real_dlt, tmp_path, mode, names)
    mine, info, trace = run_all(own_dlt, tmp_path, mode, names)
    assert mine == theirs
    assert trace.last_normalize_info.row_counts == their_trace.last_normalize_info.row_counts
    (their_package,), (package,) = their_info.load_packages, info.load_packages
    assert package.refresh == their_package.refresh
    for kind in ("dropped_tables", "truncated_tables"):
        assert sorted(getattr(package, kind)) == sorted(getattr(their_package, kind))
    their_line, line = (str(each).splitlines()[3].split(" ", 3) for each in (their_info, info))
    assert [*line[:2], line[3]] == [*their_line[:2], their_line[3]]


def test_a_dataset_refreshed_here_is_continued_by_dlt(tmp_path: Path) -> None:
    database = tmp_path / "shop.duckdb"
    for number, (dlt, names, rows, mode) in enumerate(
        [
            (real_dlt, [], 3, None),
            (own_dlt, ["a"], 2, "drop_resources"),
            (real_dlt, [], 5, None),
            (own_dlt, [], 6, "drop_sources"),
            (real_dlt, [], 7, None),
        ]
    ):
        dlt.pipeline(
            "refreshed",
            destination=dlt.destinations.duckdb(str(database)),
            dataset_name="data",
            pipelines_dir=str(tmp_path / f"home{number}"),
        ).run(shop(dlt, names, rows), refresh=mode)
    left = left_in(database)
    assert left["ids"] == {name: [(n,) for n in range(7)] for name in ("a", "b")}
    assert left["sources"]["shop"]["resources"]["b"]["incremental"]["id"]["last_value"] == 6
