"""Google's real clients against servers on loopback that answer as its JSON APIs do."""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from odp_dlt.errors import ConfigError, DestinationError, SourceError
from odp_dlt.resources.bigquery import BigQuery
from odp_dlt.resources.gcs import Gcs
from odp_dlt.resources.google_client import client
from odp_dlt.tasks.params import ParamError
from tests.tasks.running import Runner

pytest.importorskip("google.cloud.storage", reason="google-cloud-storage is not installed")
pytest.importorskip("google.cloud.bigquery", reason="google-cloud-bigquery is not installed")


@dataclass
class Google:
    """What the server has: objects by name, and the jobs that it was asked for."""

    objects: dict[str, bytes] = field(default_factory=dict)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    job_error: str | None = None


class Handler(BaseHTTPRequestHandler):
    google: ClassVar[Google]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        return

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if match := re.fullmatch(r"/storage/v1/b/lake/o", url.path):
            prefix = parse_qs(url.query).get("prefix", [""])[0]
            items = [
                {"name": n, "bucket": "lake", "size": str(len(v)), "generation": "1"}
                for n, v in sorted(self.google.objects.items())
                if n.startswith(prefix)
            ]
            self._json({"kind": "storage#objects", "items": items})
        elif match := re.fullmatch(r"/download/storage/v1/b/lake/o/(.+)", url.path):
            self._answer(200, self.google.objects[unquote(match[1])], "application/octet-stream")
        elif match := re.fullmatch(r"/bigquery/v2/projects/p/jobs/(.+)", url.path):
            self._json(self._job(int(match[1].partition("-")[0])))
        elif re.fullmatch(r"/bigquery/v2/projects/p/datasets/d/tables/t", url.path):
            fields = [
                {"name": "n", "type": "INTEGER", "mode": "REQUIRED"},
                {"name": "tags", "type": "STRING", "mode": "REPEATED"},
            ]
            reference = {"projectId": "p", "datasetId": "d", "tableId": "t"}
            self._json({"tableReference": reference, "numRows": "7", "schema": {"fields": fields}})
        else:
            self._json({"error": {"code": 404, "message": f"Not found: {url.path}"}}, 404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.google.jobs.append(body["configuration"])
        self._json(self._job(len(self.google.jobs) - 1))

    def _job(self, number: int) -> dict[str, Any]:
        status: dict[str, Any] = {"state": "DONE"}
        if self.google.job_error:
            error = {"reason": "invalid", "message": self.google.job_error}
            status |= {"errorResult": error, "errors": [error]}
        reference = {"projectId": "p", "jobId": f"{number}-job", "location": "EU"}
        configuration = self.google.jobs[number]
        return {"jobReference": reference, "configuration": configuration, "status": status}

    def _json(self, body: dict[str, Any], code: int = 200) -> None:
        self._answer(code, json.dumps(body).encode(), "application/json")

    def _answer(self, code: int, body: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    made = Google()
    handler = type("Bound", (Handler,), {"google": made})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", address)
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path, {"gcs": Gcs(project="p"), "bigquery": BigQuery(project="p")})


def test_objects_are_downloaded_with_their_folders(google: Google, runner: Runner) -> None:
    google.objects = {
        "in/a b.csv": b"a", "in/deep/c.csv": b"ccc", "in/deep/": b"", "in": b"x", "other": b"x",
    }  # fmt: skip
    done = runner.run(
        "gcs_file_download", source_file_uri="gs://lake/in/", destination_file_path="out"
    )
    assert done.metadata == {
        "source_file_uri": "gs://lake/in/",
        "destination_file_path": str(runner.root / "out"),
        "file_count": 2,
        "total_size_bytes": 4,
    }
    files = {str(p.relative_to(runner.root)): p.read_bytes() for p in runner.root.rglob("*.csv")}
    assert files == {"out/a b.csv": b"a", "out/deep/c.csv": b"ccc"}


def test_one_object_and_a_prefix_are_downloaded_by_their_names(
    google: Google, runner: Runner
) -> None:
    google.objects = {"in/day_1.csv": b"1", "in/day_2.csv": b"2", "in/x.csv": b"3"}
    for uri, names in (
        ("gs://lake/in/x.csv", ["x.csv"]),
        ("gs://lake/in/day_", ["day_1.csv", "day_2.csv"]),
    ):
        folder = names[0].removesuffix(".csv")
        runner.run("gcs_file_download", source_file_uri=uri, destination_file_path=folder)
        assert sorted(path.name for path in (runner.root / folder).iterdir()) == names


def test_nothing_to_download_is_told_in_numbers_alone(google: Google, runner: Runner) -> None:
    params = {"source_file_uri": "gs://lake/none", "destination_file_path": "out"}
    done = runner.run("gcs_file_download", **params)
    assert done.metadata == {"file_count": 0, "total_size_bytes": 0}


def test_an_object_does_not_leave_its_folder(google: Google, runner: Runner) -> None:
    google.objects = {"in/../../x.csv": b"1"}
    with pytest.raises(SourceError, match="would be outside of the folder"):
        runner.run("gcs_file_download", source_file_uri="gs://lake/in/", destination_file_path="o")


def test_what_google_refuses_is_told(google: Google, runner: Runner) -> None:
    with pytest.raises(DestinationError, match=r"Google refuses: .*Not found: /storage/v1/b/gone"):
        runner.run("gcs_file_download", source_file_uri="gs://gone/x", destination_file_path="o")


def test_a_file_is_loaded_into_bigquery_as_the_params_say(google: Google, runner: Runner) -> None:
    done = runner.run(
        "gcs_file_to_bq",
        source_file_uri="gs://lake/a.csv",
        destination_table_id="p.d.t",
        job_config_params={
            "_schema": [{"name": "n", "field_type": "INTEGER"}],
            "_time_partitioning": {"type_": "DAY", "field": "day"},
            "source_format": "CSV",
            "write_disposition": "WRITE_TRUNCATE",
        },
    )
    (job,) = google.jobs
    assert job["load"]["sourceUris"] == ["gs://lake/a.csv"]
    assert job["load"]["destinationTable"] == {"projectId": "p", "datasetId": "d", "tableId": "t"}
    assert job["load"]["writeDisposition"] == "WRITE_TRUNCATE"
    assert job["load"]["timePartitioning"] == {"type": "DAY", "field": "day"}
    assert [one["name"] for one in job["load"]["schema"]["fields"]] == ["n"]
    assert done.metadata == {
        "source_file_uri": "gs://lake/a.csv",
        "destination_table_id": "p.d.t",
        "row_count": 7,
        "dagster/row_count": 7,
    }
    assert done.columns is not None
    assert [(c.name, c.type, c.nullable) for c in done.columns] == [
        ("n", "INTEGER", False),
        ("tags", "ARRAY<STRING>", True),
    ]


def test_a_table_of_bigquery_is_exported(google: Google, runner: Runner) -> None:
    done = runner.run(
        "bq_table_to_gcs",
        source_table_id="p.d.t",
        destination_file_uri="gs://lake/out/t-*.parquet",
        job_config_params={"destination_format": "PARQUET", "compression": "SNAPPY"},
    )
    (job,) = google.jobs
    assert job["extract"]["destinationUris"] == ["gs://lake/out/t-*.parquet"]
    assert job["extract"]["destinationFormat"] == "PARQUET"
    assert done.metadata == {
        "source_table_id": "p.d.t",
        "destination_file_uri": "gs://lake/out",
        "row_count": 7,
    }


def test_a_job_that_fails_is_told_in_bigquery_s_words(google: Google, runner: Runner) -> None:
    google.job_error = "Error while reading data"
    params = {"source_file_uri": "gs://lake/a.csv", "destination_table_id": "p.d.t"}
    with pytest.raises(DestinationError, match=r"Google refuses: .*Error while reading data"):
        runner.run("gcs_file_to_bq", **params)


def test_a_wrong_job_param_is_told_with_its_name(google: Google, runner: Runner) -> None:
    params = {"source_file_uri": "gs://lake/a.csv", "destination_table_id": "p.d.t"}
    for name, value in (("no_such", 1), ("_schema", [{"nam": "x"}]), ("_time_partitioning", 5)):
        with pytest.raises(ParamError, match=f"LoadJobConfig .* '{name}'") as e:
            runner.run("gcs_file_to_bq", **params, job_config_params={name: value})
        assert e.value.path == ("job_config_params", name)
    assert google.jobs == []


@pytest.mark.parametrize(
    ("task_type", "params", "said"),
    [
        ("gcs_file_download", {"source_file_uri": "s3://lake/a"}, "it is no gs://BUCKET/PATH"),
        ("gcs_file_download", {"destination_file_path": "a.csv"}, "looks like a file"),
        ("gcs_file_to_bq", {"source_file_uri": "gs://"}, "it is no gs://BUCKET/PATH"),
        ("bq_table_to_gcs", {"destination_file_uri": "out"}, "it is no gs://BUCKET/PATH"),
    ],
)
def test_wrong_params_are_told(
    runner: Runner, task_type: str, params: dict[str, Any], said: str
) -> None:
    right = {
        "gcs_file_download": {"source_file_uri": "gs://b/a", "destination_file_path": "o"},
        "gcs_file_to_bq": {"source_file_uri": "gs://b/a", "destination_table_id": "t"},
        "bq_table_to_gcs": {"source_table_id": "t", "destination_file_uri": "gs://b/a"},
    }[task_type]
    with pytest.raises(ParamError, match=said):
        runner.all(task_type, {**right, **params})


def test_without_credentials_it_is_told_how_to_log_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runner: Runner
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "gone.json"))
    params = {"source_table_id": "t", "destination_file_uri": "gs://b/a"}
    with pytest.raises(ConfigError, match=r"client cannot be made(.|\n)*gcloud auth application-d"):
        runner.run("bq_table_to_gcs", **params)


def test_a_client_that_is_not_installed_is_told_with_the_extra() -> None:
    with (
        pytest.raises(ConfigError, match=r"not installed\n.*'odp-dlt\[bigquery\]'"),
        client("google.cloud.no_such", "bigquery"),
    ):
        pass
