"""The source `github` of the example: what a window loads, and what becomes of it."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from odp_dlt import dlt
from odp_dlt.errors import ConfigError
from odp_dlt.tasks.user_code import user_code
from tests.example.scripted_api import Answer, answering

PROJECT = Path(__file__).parents[2] / "dlt_project"
source = user_code(PROJECT).load("github.source")
client_module = user_code(PROJECT).load("github.client")
sample = user_code(PROJECT).load("github.sample")

REPO = "dagster-io/dagster"


@contextmanager
def client_of(base_url: str) -> Iterator[Any]:
    with closing(client_module.open_session(None, through_proxies=False)) as session:
        yield client_module.Client(session, base_url)


def numbers(client: Any, since: str, until: str | None = None) -> list[int]:
    pages = source.opened_in(source.parse_window(since, until), client, REPO)
    return [row["number"] for page in pages for row in page]


def pull(number: int, created_at: str) -> dict[str, Any]:
    return {"id": number, "number": number, "created_at": created_at}


def test_days_side_by_side_share_no_row_and_leave_none_out() -> None:
    with sample.serve(REPO, date(2024, 1, 4)) as base_url, client_of(base_url) as client:
        together = numbers(client, "2024-01-01", "2024-01-04")
        days = [numbers(client, f"2024-01-0{day}") for day in (3, 2, 1)]

    assert [number for day in days for number in day] == together
    assert together == list(range(together[0], together[-1] - 1, -1))
    assert [len(day) for day in days] == [377, 391, 352]


def test_a_window_can_begin_and_end_within_a_day() -> None:
    with sample.serve(REPO, date(2024, 1, 1)) as base_url, client_of(base_url) as client:
        day = numbers(client, "2024-01-01")
        morning = numbers(client, "2024-01-01T00:00:00Z", "2024-01-01T13:00:00+01:00")
        afternoon = numbers(client, "2024-01-01T12:00", "2024-01-02")

    assert afternoon + morning == day
    assert len(morning) == len(afternoon)


def test_reading_ends_at_the_first_page_that_is_older() -> None:
    more = {"Link": '<{url}/next>; rel="next"'}
    pages = [
        Answer(
            body=[pull(4, "2024-01-02T01:00:00Z"), pull(3, "2024-01-01T23:59:59Z")], headers=more
        ),
        Answer(
            body=[pull(2, "2024-01-01T00:00:00Z"), pull(1, "2023-12-31T23:59:59Z")], headers=more
        ),
    ]
    with answering(*pages) as api, client_of(api.url) as client:
        assert numbers(client, "2024-01-01") == [3, 2]

    assert len(api.requests) == 2


def test_a_row_that_moves_to_the_next_page_while_reading_comes_once() -> None:
    rows = [pull(number, f"2024-01-01T0{number}:00:00Z") for number in (4, 3, 2)]
    pages = [
        Answer(body=rows[:2], headers={"Link": '<{url}/next>; rel="next"'}),
        Answer(body=rows[1:]),
    ]
    with answering(*pages) as api, client_of(api.url) as client:
        assert numbers(client, "2024-01-01") == [4, 3, 2]


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({"repo": "dagster"}, "'dagster' is not a repository"),
        ({"repo": "a/b/c"}, "'a/b/c' is not a repository"),
        ({"since": "yesterday"}, "'yesterday' is not a date"),
        ({"until": "soon"}, "'soon' is not a date"),
        ({"until": "2024-01-01"}, "from 2024-01-01 to 2024-01-01 is empty"),
    ],
)
def test_parameters_that_mean_nothing_are_refused_before_any_request(
    parameters: dict[str, str], what: str
) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        source.github(**{"repo": REPO, "since": "2024-01-01", "api_url": "sample", **parameters})

    assert caught.value.hint


def test_a_repository_that_does_not_exist_is_named() -> None:
    with (
        sample.serve(REPO, date(2024, 1, 1)) as base_url,
        client_of(base_url) as client,
        pytest.raises(ConfigError, match="404: Not Found") as caught,
    ):
        list(source.opened_in(source.parse_window("2024-01-01", None), client, "dagster-io/gone"))

    assert "dagster-io/gone" in str(caught.value.at)


def test_the_sample_server_ends_with_a_reader_that_stops_early() -> None:
    rows = iter(source.github(repo=REPO, since="2024-01-01", api_url="sample"))
    next(rows)
    assert "github sample" in [thread.name for thread in threading.enumerate()]

    rows.close()
    assert "github sample" not in [thread.name for thread in threading.enumerate()]


def test_the_sample_becomes_tables_in_duckdb(tmp_path: Path) -> None:
    database = tmp_path / "github.db"
    pipeline = dlt.pipeline(
        "github",
        destination=dlt.destinations.duckdb(str(database)),
        dataset_name="github_data",
    )
    for day in ("2024-01-02", "2024-01-01"):
        pipeline.run(
            source.github(repo=REPO, since=day, api_url="sample"), write_disposition="append"
        )

    with duckdb.connect(str(database)) as con:
        con.execute("USE github_data")
        assert con.execute(
            "SELECT created_at::DATE::TEXT, count(*) FROM pull_requests GROUP BY 1 ORDER BY 1"
        ).fetchall() == [("2024-01-01", 352), ("2024-01-02", 391)]
        for nested in ("labels", "assignees", "requested_reviewers", "requested_teams"):
            assert con.execute(
                f"SELECT count(*) > 100, count(p._dlt_id) = count(*) "
                f"FROM pull_requests__{nested} AS n "
                "LEFT JOIN pull_requests AS p ON p._dlt_id = n._dlt_parent_id"
            ).fetchone() == (True, True)
