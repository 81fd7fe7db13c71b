"""Files into DuckDB and out of it: real files, a real S3 server, a real web server."""

import gzip
import threading
import traceback
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from odp_dlt.errors import ConfigError, DestinationError, SourceError
from odp_dlt.resources.duckdb import DuckDB
from odp_dlt.tasks.params import ParamError
from tests.destinations.file_places import SECRET, s3_server
from tests.tasks.running import Runner


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path, {"duckdb": DuckDB(database=tmp_path / "t.db")})


@pytest.fixture
def made(runner: Runner) -> Runner:
    sql = "SELECT n, 'x,' || n AS s, n % 2 = 0 AS b FROM range(1000) r(n)"
    runner.run("duckdb_query", query=sql, destination_table_id="made.t")
    return runner


def ask(runner: Runner, query: str) -> list[tuple[Any, ...]]:
    resource = runner.resources["duckdb"]
    assert isinstance(resource, DuckDB)
    with resource.connection(write=False) as con:
        return con.execute(query).fetchall()


@pytest.mark.parametrize(
    "name", ["t.parquet", "t.csv", "t.csv.gz", "t.json", "t.json.gz", "t.jsonl", "T.NDJSON"]
)
def test_what_is_written_to_a_file_can_be_read_back(made: Runner, name: str) -> None:
    out = made.run(
        "duckdb_table_to_file", source_table_id="made.t", destination_file_uri=f"o/{name}"
    )
    path = made.root / "o" / name
    assert out.metadata == {
        "source_table_id": "made.t",
        "destination_file_uri": str(path),
        "row_count": 1000,
        "dagster/size_bytes": path.stat().st_size,
    }
    assert [file.name for file in path.parent.iterdir()] == [name]
    back = made.run("file_to_duckdb", source_file_uri=f"o/{name}", destination_table_id="back.t")
    assert back.metadata == {
        "destination_table_id": "back.t",
        "row_count": 1000,
        "dagster/row_count": 1000,
        "column_names": "n, s, b",
        "source_file_uri": str(path),
    }
    assert back.columns is not None
    assert [column.type for column in back.columns] == ["BIGINT", "VARCHAR", "BOOLEAN"]
    assert ask(made, "FROM made.t EXCEPT FROM back.t") == []


def test_a_file_that_cannot_be_written_leaves_the_one_before(made: Runner) -> None:
    (made.root / "t.csv").write_text("before")
    with pytest.raises(SourceError, match=r"cannot write 'made.gone' to a file"):
        made.run("duckdb_table_to_file", source_table_id="made.gone", destination_file_uri="t.csv")
    assert (made.root / "t.csv").read_text() == "before"
    assert {file.name for file in made.root.iterdir()} <= {"t.csv", "t.db", ".t.db.lock"}


def test_a_folder_and_a_pattern_stand_for_all_their_files(runner: Runner) -> None:
    for day in (1, 2, 3):
        file = runner.root / f"in/2024/{day}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"day,note\n{day},\n" if day < 3 else "day,more\n3,yes\n")
    (runner.root / "in/2024/_SUCCESS").touch()
    for uri in ("in/2024", "in/*/?.csv", "in/**/*.csv", (runner.root / "in/2024").as_uri()):
        done = runner.run("file_to_duckdb", source_file_uri=uri, destination_table_id="t")
        assert done.metadata["row_count"] == 3
        assert done.metadata["column_names"] == "day, note, more"


def test_a_table_stays_as_it_was_when_its_files_cannot_be_read(runner: Runner) -> None:
    (runner.root / "a.csv").write_text("n\n1\n")
    runner.run("file_to_duckdb", source_file_uri="a.csv", destination_table_id="t")
    (runner.root / "a.parquet").write_text("no parquet")
    with pytest.raises(SourceError, match=r"a\.parquet: DuckDB cannot make a table of it"):
        runner.run("file_to_duckdb", source_file_uri="a.parquet", destination_table_id="t")
    with pytest.raises(SourceError, match=r"there is no file at '.*gone.csv'"):
        runner.run("file_to_duckdb", source_file_uri="gone.csv", destination_table_id="t")
    with pytest.raises(SourceError, match="several formats: csv, parquet"):
        runner.run("file_to_duckdb", source_file_uri="a.*", destination_table_id="t")
    with pytest.raises(ConfigError, match=r"'a.db' does not say the format"):
        (runner.root / "a.db").touch()
        runner.run("file_to_duckdb", source_file_uri="a.db", destination_table_id="t")
    assert ask(runner, "FROM t") == [(1,)]


def test_files_go_to_a_bucket_and_come_from_it(
    made: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_server() as s3:
        bucket = s3.bucket()
        monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        for name in ("a", "b"):
            uri = f"{bucket}/out/{name}.parquet"
            done = made.run(
                "duckdb_table_to_file", source_table_id="made.t", destination_file_uri=uri
            )
            assert done.metadata["destination_file_uri"] == uri
        for uri, rows in (("out/a.parquet", 1000), ("out", 2000), ("o*/?.parquet", 2000)):
            done = made.run(
                "file_to_duckdb", source_file_uri=f"{bucket}/{uri}", destination_table_id="t"
            )
            assert done.metadata["row_count"] == rows
        with pytest.raises(SourceError, match="there is no file at 's3://"):
            made.run(
                "file_to_duckdb",
                source_file_uri=f"{bucket}/gone.csv",
                destination_table_id="t",
            )
        with pytest.raises(DestinationError, match="Make the bucket first"):
            made.run(
                "duckdb_table_to_file",
                source_table_id="made.t",
                destination_file_uri="s3://no-such/a.csv",
            )


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The address of a web server of `tmp_path`/web."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
            return

    (tmp_path / "web").mkdir()
    handler = partial(Quiet, directory=str(tmp_path / "web"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_file_comes_from_the_web_and_keys_in_its_address_are_not_told(
    runner: Runner, web: str
) -> None:
    (runner.root / "web/a b.csv.gz").write_bytes(gzip.compress(b"n\n1\n2\n"))
    uri = f"http://me:geheim@{web}/a%20b.csv.gz?token=geheim"
    done = runner.run("file_to_duckdb", source_file_uri=uri, destination_table_id="t")
    assert done.metadata["row_count"] == 2
    assert done.metadata["source_file_uri"] == f"http://{web}/a%20b.csv.gz"
    with pytest.raises(SourceError, match=r"gone.csv' cannot be fetched: HTTP 404") as e:
        runner.run(
            "file_to_duckdb",
            source_file_uri=f"http://me:geheim@{web}/gone.csv?token=geheim",
            destination_table_id="t",
        )
    told = "".join(traceback.format_exception(e.value))  # Dagster keeps all of it
    assert "token=geheim" not in told + "".join(runner.log)


@pytest.mark.parametrize(
    ("task_type", "params", "said"),
    [
        ("file_to_duckdb", {"source_file_uri": "ftp://x/a.csv"}, "'ftp://' is unknown"),
        ("file_to_duckdb", {"source_file_uri": "s3://key:secret@b/a.csv"}, "and no key"),
        ("file_to_duckdb", {"source_file_url": "a.csv"}, "Did you mean 'source_file_uri'"),
        ("file_to_duckdb", {"destination_table_id": "a..b"}, "it is no `table`"),
        ("duckdb_table_to_file", {"destination_file_uri": "a.xlsx"}, "'a.xlsx' does not say"),
        ("duckdb_table_to_file", {"destination_file_uri": "a.parquet.gz"}, "does not say"),
        ("duckdb_table_to_file", {"destination_file_uri": "https://x/a.csv"}, "web server"),
    ],
)
def test_wrong_params_are_told(
    runner: Runner, task_type: str, params: dict[str, Any], said: str
) -> None:
    right = {
        "file_to_duckdb": {"source_file_uri": "a.csv", "destination_table_id": "t"},
        "duckdb_table_to_file": {"source_table_id": "t", "destination_file_uri": "a.csv"},
    }[task_type]
    with pytest.raises(ParamError, match=said):
        runner.all(task_type, {**right, **params})
