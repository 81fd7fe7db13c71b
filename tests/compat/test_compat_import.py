"""Schema files that a person edits, in dlt and here, written by either."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dlt as real_dlt
import duckdb
import pytest
import yaml

from odp_dlt import dlt as own_dlt

ENGINES = {"dlt": real_dlt, "ours": own_dlt}
both = pytest.mark.parametrize("writer, reader", [("dlt", "ours"), ("ours", "dlt")])


@pytest.fixture(autouse=True)
def _dlt_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt_home"))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("RUNTIME__LOG_LEVEL", "CRITICAL")


ROW = {"id": 1, "Name": "a", "lines": [{"sku": "x", "n": 1}]}


def load(folder: Path, engine: str, *rows: Any, **hints: Any) -> Any:
    """The schema after a run of `engine` in its own folder; the import file is its own too."""
    dlt, home = ENGINES[engine], folder / engine
    home.mkdir(exist_ok=True)
    pipeline = dlt.pipeline(
        "feed",
        destination=dlt.destinations.duckdb(str(home / "feed.duckdb")),
        dataset_name="data",
        pipelines_dir=str(home / "pipelines"),
        import_schema_path=str(home / "import"),
        export_schema_path=str(home / "export"),
    )
    source = dlt.source(
        lambda: dlt.resource(list(rows), name="items", primary_key="id", **hints), name="shop"
    )
    pipeline.run(source())
    return pipeline.default_schema


def file(folder: Path, engine: str, kind: str = "import") -> Path:
    return folder / engine / kind / "shop.schema.yaml"


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    stored = yaml.safe_load(path.read_text())
    change(stored)
    path.write_text(yaml.safe_dump(stored, sort_keys=False))


def columns(folder: Path, engine: str) -> dict[str, list[tuple[str, str]]]:
    with duckdb.connect(str(folder / engine / "feed.duckdb"), read_only=True) as con:
        found: dict[str, list[tuple[str, str]]] = {}
        for table, name, kind in con.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE table_name NOT LIKE '\\_dlt%' ESCAPE '\\' ORDER BY 1, column_index"
        ).fetchall():
            found.setdefault(table, []).append((name, kind))
    return found


def test_the_first_run_writes_the_file_that_dlt_writes(tmp_path: Path) -> None:
    for engine, dlt in ENGINES.items():
        lines = dlt.mark.make_nested_hints(columns={"n": {"name": "n", "sort": True}})
        load(tmp_path, engine, ROW, nested_hints={"lines": lines})
    theirs, mine = (yaml.safe_load(file(tmp_path, engine).read_text()) for engine in ENGINES)
    theirs.pop("previous_hashes")  # of what a source was before its resources ran
    mine.pop("previous_hashes")
    assert mine == theirs


def test_the_file_is_written_once(tmp_path: Path) -> None:
    load(tmp_path, "ours", ROW)
    first = file(tmp_path, "ours").read_bytes()
    load(tmp_path, "ours", {**ROW, "more": 1})
    assert file(tmp_path, "ours").read_bytes() == first


@both
def test_a_file_that_one_wrote_starts_the_other_with_what_was_edited(
    writer: str, reader: str, tmp_path: Path
) -> None:
    def change(stored: dict[str, Any]) -> None:
        stored["tables"]["items"]["columns"] |= {
            "price": {"data_type": "decimal", "precision": 10, "scale": 2},
            "name": {"data_type": "text", "description": "What it is called", "x-owner": "sales"},
        }

    load(tmp_path, writer, ROW)
    edit(file(tmp_path, writer), change)
    for engine in ENGINES:
        if engine != writer:
            shutil.copytree(tmp_path / writer / "import", tmp_path / engine / "import")
        shutil.rmtree(tmp_path / engine / "pipelines", ignore_errors=True)
        (tmp_path / engine / "feed.duckdb").unlink(missing_ok=True)
    schemas = {engine: load(tmp_path, engine, {**ROW, "price": "1.5"}) for engine in ENGINES}
    assert columns(tmp_path, reader) == columns(tmp_path, writer)
    assert schemas["ours"].version_hash == schemas["dlt"].version_hash
    name = schemas["ours"].tables["items"].columns["name"]
    assert (name.description, name.hints["x-owner"]) == ("What it is called", "sales")


def test_an_edited_file_is_taken_up_by_the_next_run_as_in_dlt(tmp_path: Path) -> None:
    def change(stored: dict[str, Any]) -> None:
        stored["tables"]["items"]["columns"] |= {
            "extra": {"data_type": "text", "nullable": True},
            "price": {"data_type": "decimal", "nullable": True},
        }
        stored["tables"]["items"]["description"] = "What is sold"

    schemas = {}
    for engine in ENGINES:
        load(tmp_path, engine, ROW)
        edit(file(tmp_path, engine), change)
        schemas[engine] = load(tmp_path, engine, {**ROW, "price": "1.5", "extra": 5})
    assert columns(tmp_path, "ours") == columns(tmp_path, "dlt")
    assert schemas["ours"].tables["items"].description == "What is sold"
    assert schemas["dlt"].tables["items"]["description"] == "What is sold"


def test_what_the_file_does_not_name_stays_known(tmp_path: Path) -> None:
    load(tmp_path, "ours", {**ROW, "old": 1})
    edit(
        file(tmp_path, "ours"),
        lambda stored: stored["tables"]["items"]["columns"].update(new={"data_type": "text"}),
    )
    schema = load(tmp_path, "ours", {"id": 2})
    assert list(schema.tables["items"].typed_columns()) == [
        *("id", "new", "name", "old", "_dlt_load_id", "_dlt_id")
    ]
    assert schema.tables["items__lines"].seen_data


@both
def test_the_engines_take_turns_with_one_file(writer: str, reader: str, tmp_path: Path) -> None:
    load(tmp_path, writer, ROW)
    edit(
        file(tmp_path, writer),
        lambda stored: stored["tables"]["items"].update(description="What is sold"),
    )
    load(tmp_path, writer, ROW)
    (tmp_path / reader).mkdir()
    shutil.copy(tmp_path / writer / "feed.duckdb", tmp_path / reader / "feed.duckdb")
    shutil.copytree(tmp_path / writer / "import", tmp_path / reader / "import")
    schema = load(tmp_path, reader, ROW)
    table = schema.tables["items"]
    told = table.description if reader == "ours" else table["description"]
    assert told == "What is sold"
    with duckdb.connect(str(tmp_path / reader / "feed.duckdb")) as con:
        assert con.sql("SELECT count(*) FROM data.items").fetchall() == [(3,)]
        hashes = con.sql("SELECT count(DISTINCT version_hash) FROM data._dlt_version").fetchall()
    assert hashes == [(2,)], "the file had not changed, so nothing may be imported again"


def test_a_nesting_limit_that_was_said_once_stays(tmp_path: Path) -> None:
    schemas = {}
    for engine in ENGINES:
        load(tmp_path, engine, {"id": 1, "a": [1]}, max_table_nesting=0)
        schemas[engine] = load(tmp_path, engine, {"id": 2, "b": [{"x": 1}]})
    assert columns(tmp_path, "ours") == columns(tmp_path, "dlt")
    assert ("b", "JSON") in columns(tmp_path, "ours")["items"]
    assert schemas["ours"].version_hash == schemas["dlt"].version_hash
