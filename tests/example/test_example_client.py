"""The client of GitHub's API against a real server that misbehaves on purpose."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from odp_dlt.errors import ConfigError, OdpError, RetriableError, SourceError
from odp_dlt.tasks.user_code import user_code
from tests.example.scripted_api import Answer, ScriptedApi, answering

PROJECT = Path(__file__).parents[2] / "dlt_project"
client_module = user_code(PROJECT).load("github.client")

NEXT = {"Link": '<{url}/pulls?page=2>; rel="next", <{url}/pulls?page=9>; rel="last"'}


@contextmanager
def open_client(
    api: ScriptedApi, token: str | None = None, attempts: int = 5, patience: float = 900.0
) -> Iterator[Any]:
    with closing(client_module.open_session(token, through_proxies=False)) as session:
        yield client_module.Client(session, api.url, attempts, pause=0.01, patience=patience)


def read_all(*answers: Answer, patience: float = 900.0) -> list[Any]:
    with answering(*answers) as api, open_client(api, patience=patience) as client:
        return list(client.pages("/pulls", {}))


def test_pages_follow_the_link_header_and_carry_the_token() -> None:
    with (
        answering(Answer(body=[1], headers=NEXT), Answer(body=[2])) as api,
        open_client(api, token="t0ken") as client,
    ):
        assert list(client.pages("/pulls", {"state": "all"})) == [[1], [2]]

    assert [path for path, _ in api.requests] == ["/pulls?state=all", "/pulls?page=2"]
    assert all(headers["Authorization"] == "Bearer t0ken" for _, headers in api.requests)


def test_without_a_token_the_request_is_anonymous() -> None:
    with answering(Answer()) as api, open_client(api) as client:
        assert list(client.pages("/pulls", {})) == [[]]

    assert "Authorization" not in api.requests[0][1]


def test_a_failing_server_is_asked_again() -> None:
    assert read_all(Answer(502, "bad gateway"), Answer(500, "oops"), Answer(body=[1])) == [[1]]


def test_a_server_that_keeps_failing_can_be_tried_in_another_run() -> None:
    with pytest.raises(RetriableError, match="no answer after 5 attempts; the last: 503"):
        read_all(Answer(503, "down"))


def test_no_connection_can_be_tried_in_another_run() -> None:
    with answering(Answer()) as api:
        pass
    with (
        open_client(api, attempts=2) as client,
        pytest.raises(RetriableError, match="after 2 attempts"),
    ):
        next(client.pages("/pulls", {}))


def test_a_rate_limit_is_waited_for() -> None:
    begun = time.monotonic()
    pages = read_all(
        Answer(429, {"message": "slow down"}, {"Retry-After": "1"}),
        Answer(403, {"message": "secondary rate limit"}, {"Retry-After": "0"}),  # a second at least
        Answer(body=[1]),
    )

    assert pages == [[1]]
    assert time.monotonic() - begun >= 2


def test_a_reset_in_the_past_is_waited_for_a_second() -> None:
    spent = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) - 10)}

    assert read_all(Answer(403, {"message": "limit"}, spent), Answer(body=[1])) == [[1]]


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (429, {"Retry-After": "7200"}),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 7200)}),
    ],
)
def test_a_wait_beyond_patience_ends_the_run_at_once(status: int, headers: dict[str, str]) -> None:
    begun = time.monotonic()
    with pytest.raises(RetriableError, match=r"GitHub asks for [67]\d\d\d s more") as caught:
        read_all(Answer(status, {"message": "limit"}, headers))

    assert time.monotonic() - begun < 1
    assert "access_token" in str(caught.value)


def test_repeated_waits_are_bounded_together() -> None:
    with pytest.raises(RetriableError, match="GitHub asks for 1 s more"):
        read_all(Answer(429, {"message": "limit"}, {"Retry-After": "1"}), patience=1.5)


@pytest.mark.parametrize(
    ("answer", "expected", "what", "next_step"),
    [
        (
            Answer(401, {"message": "Bad credentials"}),
            ConfigError,
            "401: Bad credentials",
            "expired",
        ),
        (Answer(404, {"message": "Not Found"}), ConfigError, "404: Not Found", "owner/name"),
        (Answer(403, {"message": "Forbidden"}), ConfigError, "403: Forbidden", "lacks the right"),
        (Answer(422, "{}"), ConfigError, "422: Unprocessable", "does not accept"),
        (Answer(200, "<html>log in</html>"), SourceError, "not a list", "api_url"),
        (Answer(200, {"message": "hm"}), SourceError, "not a list", "api_url"),
    ],
)
def test_a_refusal_says_what_and_where_and_what_next(
    answer: Answer, expected: type[OdpError], what: str, next_step: str
) -> None:
    with (
        answering(answer) as api,
        open_client(api, token="t0ken") as client,
        pytest.raises(expected, match=what) as caught,
    ):
        list(client.pages("/pulls", {}))

    assert caught.value.at == f"{api.url}/pulls"
    assert next_step in (caught.value.hint or "")
    assert "t0ken" not in str(caught.value)
    assert len(api.requests) == 1
