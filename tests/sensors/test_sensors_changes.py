import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest

from odp_dlt.errors import ConfigError, RetriableError, SourceError
from odp_dlt.resources.duckdb import DuckDB
from odp_dlt.sensors.base import Project
from odp_dlt.tasks.params import ParamError
from tests.destinations.places import Place, Server, file_place, postgres_server
from tests.sensors.watching import watched


@dataclass
class Page:
    """What the server gives at its one page, and what it was asked with."""

    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"1"
    status: int = 200
    no_head: bool = False
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def page_server() -> Iterator[Page]:
    page = Page()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(405 if page.no_head else page.status, b"")

        def do_GET(self) -> None:
            self._answer(page.status, page.body)

        def _answer(self, status: int, body: bytes) -> None:
            page.asked.append((self.command, self.headers.get("X-Token")))
            self.send_response(status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        page.url = f"http://127.0.0.1:{server.server_port}/data.csv"
        yield page
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def page() -> Iterator[Page]:
    with page_server() as running:
        yield running


def test_another_etag_starts_a_run_and_content_is_not_read(page: Page, tmp_path: Path) -> None:
    sensor = watched(tmp_path, "http", url=page.url, headers={"X-Token": "t"})
    page.headers = {"ETag": '"1"', "Last-Modified": "Mon, 05 Jan 2026 00:00:00 GMT"}
    (first,) = sensor.look().starts
    assert first.values == {
        "url": page.url,
        "etag": '"1"',
        "last_modified": "Mon, 05 Jan 2026 00:00:00 GMT",
    }
    assert sensor.look().skipped == f"{page.url} is unchanged"
    page.headers = {"ETag": '"2"'}
    (second,) = sensor.look().starts
    page.headers = {"ETag": '"1"'}
    (third,) = sensor.look().starts
    assert len({first.key, second.key, third.key}) == 3  # what comes back is a change too
    assert set(page.asked) == {("HEAD", "t")}


def test_last_modified_counts_where_there_is_no_etag_nor_head(page: Page, tmp_path: Path) -> None:
    page.no_head, page.headers = True, {"Last-Modified": "Mon, 05 Jan 2026 00:00:00 GMT"}
    sensor = watched(tmp_path, "http", url=page.url)
    assert len(sensor.look().starts) == 1
    assert len(sensor.look().starts) == 0


def test_the_content_can_be_compared(page: Page, tmp_path: Path) -> None:
    sensor = watched(tmp_path, "http", url=page.url, compare="content", first="skip")
    assert sensor.look().starts == ()
    page.body = b"2"
    assert len(sensor.look().starts) == 1
    assert len(sensor.look().starts) == 0


def test_a_server_that_says_too_little_or_no_is_told(page: Page, tmp_path: Path) -> None:
    sensor = watched(tmp_path, "http", url=page.url)
    with pytest.raises(SourceError, match="neither an ETag nor a Last-Modified header") as e:
        sensor.look()
    assert e.value.hint == "Write `compare: content` to compare what is there itself."
    page.status = 403
    with pytest.raises(SourceError, match="answers with status 403"):
        sensor.look()


def test_a_server_that_is_gone_is_no_error_of_the_projects(tmp_path: Path) -> None:
    with page_server() as page:
        url = page.url
    with pytest.raises(RetriableError, match=r"data\.csv does not answer: ConnectionError"):
        watched(tmp_path, "http", url=url).look()


def test_another_result_of_a_query_starts_a_run(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"

    def write(sql: str) -> None:
        with duckdb.connect(str(file)) as con:
            con.execute(sql)

    sensor = watched(
        tmp_path,
        "sql",
        resources={"duckdb": DuckDB(database=file)},
        resource="duckdb",
        query="SELECT max(id) AS top, max(made) AS made FROM orders HAVING count(*) > 0",
        columns=["top", "made"],
    )
    assert sensor.look().skipped == "the database file is not there yet"
    write("CREATE TABLE orders (id INT, made TIMESTAMP)")
    assert sensor.look().skipped == "the query gives no rows"
    write("INSERT INTO orders VALUES (1, '2026-01-05 10:00')")
    (start,) = sensor.look().starts
    assert start.values == {"top": 1, "made": "2026-01-05T10:00:00"}
    write("INSERT INTO orders VALUES (0, NULL)")
    assert sensor.look().skipped == "the query gives the same as before"
    write("INSERT INTO orders VALUES (2, NULL)")
    assert sensor.values("top") == [2]


def test_a_query_that_is_wrong_is_told(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "shop.db")):
        pass
    resources = {"duckdb": DuckDB(database=tmp_path / "shop.db")}

    def asked(query: str, **params: Any) -> str:
        sensor = watched(
            tmp_path, "sql", resources=resources, resource="duckdb", query=query, **params
        )
        with pytest.raises(SourceError) as e:
            sensor.look()
        return str(e.value)

    assert "DuckDB refuses the query of the sensor: " in asked("SELECT nothing")
    assert "refuses" in asked("CREATE TABLE a AS SELECT 1")
    assert asked("SELECT 1 AS a", columns=["b"]).startswith(
        "the query of the sensor gives no column 'b'\n  Known: a."
    )
    assert "gives 10001 rows, more than 10000" in asked("FROM range(10001)")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with postgres_server() as server:
        yield server


@pytest.mark.parametrize("kind", ["duckdb", "sqlite", "filesystem", "postgres"])
def test_a_destination_can_be_asked(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place: Place
    if kind == "postgres":
        place = request.getfixturevalue("postgres").new(tmp_path)
    else:
        place = file_place(kind, tmp_path)
    place.load([{"id": 1}])
    params = place.destination.model_dump(exclude_none=True)
    if "password" in params:
        params["password"] = params["password"].get_secret_value()
    sensor = watched(
        tmp_path,
        "sql",
        destination=kind,
        destination_params=params,
        dataset_name=place.dataset,
        query="SELECT count(*) AS n FROM orders",
        columns=["n"],
    )
    assert sensor.values("n") == [1]
    assert sensor.values("n") == []
    place.load([{"id": 2}])
    assert sensor.values("n") == [2]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "give either `resource` or `destination`"),
        ({"destination": "duckdb"}, "`destination` and `dataset_name` belong together"),
    ],
)
def test_a_query_has_one_place(tmp_path: Path, params: dict[str, Any], said: str) -> None:
    with pytest.raises(ParamError, match=said):
        watched(tmp_path, "sql", query="SELECT 1", **params)


def test_a_place_that_is_none_is_told_before_any_look(tmp_path: Path) -> None:
    sensor = watched(tmp_path, "sql", query="SELECT 1", resource="duckbd")
    project = Project(sensor.watch.site, frozenset(), frozenset(), "nightly")
    with pytest.raises(ConfigError, match="no resource 'duckbd' is configured"):
        sensor.sensor.check(project)
