"""The requests client: what it tries again, how long it waits, what it raises."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
import requests as plain_requests

from odp_dlt.dlt.sources.helpers import requests
from odp_dlt.extract import http


class Scripted(BaseHTTPRequestHandler):
    """Answers with the statuses in turn, the last one for ever; 0 hangs up."""

    statuses: ClassVar[list[int]] = []
    headers_sent: ClassVar[dict[str, str]] = {}
    times: ClassVar[list[float]] = []

    def do_GET(self) -> None:
        self.times.append(time.monotonic())
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == 0:
            self.connection.close()
            return
        if status == 1:
            time.sleep(1)
        self.send_response(max(status, 200))
        for name, value in self.headers_sent.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Scripted.headers_sent.clear()
    Scripted.times.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def client(**options: object) -> http.Client:
    return http.Client(**{"request_backoff_factor": 0.01, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("trouble", [500, 503, 429, 0])
def test_a_busy_server_and_a_bad_line_are_tried_again(url: str, trouble: int) -> None:
    Scripted.statuses[:] = [trouble, trouble, 200]
    assert client().get(url).status_code == 200
    assert len(Scripted.times) == 3


def test_the_session_of_a_client_is_as_patient_as_the_client(url: str) -> None:
    Scripted.statuses[:] = [503, 0, 200]
    assert client().session.get(url).status_code == 200
    Scripted.statuses[:] = [503]
    assert client(raise_for_status=False).session.get(url).status_code == 503
    assert len(Scripted.times) == 3 + 5


def test_after_the_last_try_the_failure_is_raised(url: str) -> None:
    Scripted.statuses[:] = [502]
    with pytest.raises(requests.HTTPError, match="502"):
        client().get(url)
    assert len(Scripted.times) == 5
    assert client(raise_for_status=False, request_max_attempts=1).get(url).status_code == 502


def test_a_refusal_is_raised_at_once(url: str) -> None:
    Scripted.statuses[:] = [404]
    with pytest.raises(requests.HTTPError, match="404"):
        client().get(url)
    assert len(Scripted.times) == 1


def test_the_server_says_when_to_come_back(url: str) -> None:
    Scripted.statuses[:] = [429, 200]
    Scripted.headers_sent["Retry-After"] = "0.3"
    client().get(url)
    assert Scripted.times[1] - Scripted.times[0] >= 0.3
    Scripted.statuses[:] = [429, 200]
    started = time.monotonic()
    client(request_max_retry_delay=0.05).get(url)
    assert time.monotonic() - started < 0.25
    Scripted.statuses[:] = [503, 200]
    moment = datetime.now(UTC) - timedelta(days=1)
    Scripted.headers_sent["Retry-After"] = format_datetime(moment, usegmt=True)
    client(request_backoff_factor=60).get(url)


def test_a_slow_answer_is_given_up(url: str) -> None:
    Scripted.statuses[:] = [1]
    with pytest.raises(requests.Timeout):
        client(request_timeout=0.1, request_max_attempts=1).get(url)


def test_a_condition_of_ones_own_may_ask_for_another_try(url: str) -> None:
    Scripted.statuses[:] = [200]
    asked = client(retry_condition=lambda response, error: len(Scripted.times) < 3)
    assert asked.get(url).status_code == 200
    assert len(Scripted.times) == 3


def test_a_session_raises_and_has_a_time_limit(url: str) -> None:
    Scripted.statuses[:] = [500]
    with requests.Session() as session, pytest.raises(requests.HTTPError):
        session.get(url)
    assert isinstance(requests.client.session, plain_requests.Session)
    assert issubclass(requests.HTTPError, plain_requests.HTTPError)
