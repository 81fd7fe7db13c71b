"""The sample server answers like GitHub: its shape, its pages, its refusals."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from odp_dlt.tasks.user_code import user_code

PROJECT = Path(__file__).parents[2] / "dlt_project"
sample = user_code(PROJECT).load("github.sample")
sample_pulls = user_code(PROJECT).load("github.sample_pulls")

REPO = "dagster-io/dagster"
ASKED = {"state": "all", "sort": "created", "direction": "desc", "per_page": "100"}


@contextmanager
def local_session() -> Iterator[requests.Session]:
    with closing(requests.Session()) as session:
        session.trust_env = False
        yield session


def list_url(base_url: str, repo: str = REPO) -> str:
    return f"{base_url}/repos/{repo}/pulls"


def pulls_of(day: date) -> list[dict[str, Any]]:
    numbers = range(
        sample_pulls.opened_through(day - timedelta(days=1)) + 1,
        sample_pulls.opened_through(day) + 1,
    )
    return [sample_pulls.pull_request(REPO, number) for number in numbers]


@pytest.mark.parametrize(
    "day", ["2015-01-05", "2024-01-01", "2024-02-29", "2031-07-06", "2999-12-31"]
)
def test_any_day_has_several_pages_of_its_own_pull_requests(day: str) -> None:
    pulls = pulls_of(date.fromisoformat(day))

    assert 250 <= len(pulls) <= 400
    opened = [pull["created_at"] for pull in pulls]
    assert all(moment.startswith(day) for moment in opened)
    assert opened == sorted(opened)
    assert opened[0] == f"{day}T00:00:00Z"


def test_there_is_nothing_before_the_first_day() -> None:
    assert sample_pulls.opened_through(sample_pulls.FIRST_DAY - timedelta(days=1)) == 0
    assert sample_pulls.opened_through(date(1970, 1, 1)) == 0


def test_a_pull_request_has_the_shape_of_githubs() -> None:
    pulls = pulls_of(date(2024, 1, 1))
    first = pulls[0]

    assert first.keys() >= {
        "url", "id", "node_id", "html_url", "number", "state", "locked", "title", "user", "body",
        "labels", "milestone", "created_at", "updated_at", "closed_at", "merged_at", "assignee",
        "merge_commit_sha", "assignees", "requested_reviewers", "requested_teams", "head", "base",
        "_links", "author_association", "auto_merge", "draft", "active_lock_reason", "diff_url",
    }  # fmt: skip
    assert first["base"]["repo"]["full_name"] == REPO
    assert first["base"]["repo"]["owner"] == first["base"]["user"]
    assert {len(pull["labels"]) for pull in pulls} == {0, 1, 2, 3, 4}
    for many in ("assignees", "requested_reviewers", "requested_teams"):
        assert {bool(pull[many]) for pull in pulls} == {True, False}
    assert {pull["head"]["repo"] is None for pull in pulls} == {True, False}
    assert all(
        (pull["merged_at"] is None) or pull["created_at"] < pull["merged_at"] == pull["closed_at"]
        for pull in pulls
    )
    assert len({pull["id"] for pull in pulls}) == len(pulls)


def test_two_servers_give_equal_rows_for_equal_days() -> None:
    def first_page() -> bytes:
        with sample.serve(REPO, date(2024, 5, 1)) as base_url, local_session() as session:
            return session.get(list_url(base_url), params=ASKED).content

    assert first_page() == first_page()


def test_another_repository_has_other_pull_requests() -> None:
    assert sample_pulls.pull_request("a/b", 7)["title"] is not None
    assert sample_pulls.pull_request("a/b", 7) != sample_pulls.pull_request("a/c", 7)


def test_the_link_header_leads_to_the_next_and_the_last_page() -> None:
    with sample.serve(REPO, date(2015, 1, 5)) as base_url, local_session() as session:
        first = session.get(list_url(base_url), params=ASKED)
        assert set(first.links) == {"next", "last"}
        assert len(first.json()) == 100
        last = session.get(first.links["last"]["url"])
        assert set(last.links) == {"first", "prev"}
        assert [pull["number"] for pull in last.json()] == list(range(52, 0, -1))
        beyond = session.get(list_url(base_url), params={**ASKED, "page": "9"})
        assert beyond.json() == []


def test_the_second_page_is_refused_once_and_then_answered() -> None:
    with sample.serve(REPO, date(2024, 1, 1)) as base_url, local_session() as session:
        second = {**ASKED, "page": "2"}
        refused = session.get(list_url(base_url), params=second)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        assert [session.get(list_url(base_url), params=second).status_code for _ in range(3)] == [
            200, 200, 200,
        ]  # fmt: skip


def test_the_server_refuses_what_it_does_not_know() -> None:
    with sample.serve(REPO, date(2024, 1, 1)) as base_url, local_session() as session:
        assert session.get(list_url(base_url, "dagster-io/other"), params=ASKED).status_code == 404
        assert session.get(list_url(base_url), params={**ASKED, "state": "open"}).status_code == 422


def test_the_server_is_gone_after_the_load() -> None:
    with sample.serve(REPO, date(2024, 1, 1)) as base_url:
        pass
    with local_session() as session, pytest.raises(requests.ConnectionError):
        session.get(list_url(base_url), timeout=2)
