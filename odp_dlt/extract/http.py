"""requests with patience: a client that tries again when a server is busy or the line is bad."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import ChunkedEncodingError

RETRIED_STATUS = (429, *range(500, 600))
RETRIED_ERRORS: tuple[type[Exception], ...] = (
    requests.ConnectionError,
    requests.Timeout,
    ChunkedEncodingError,
)

Retry = Callable[[requests.Response | None, BaseException | None], bool]


class Session(requests.Session):
    """A session that has a time limit for each request and raises for a status of failure."""

    def __init__(
        self, timeout: float | tuple[float, float] | None = 60, raise_for_status: bool = True
    ) -> None:
        """`timeout` in seconds, or those to connect and those to read."""
        super().__init__()
        self.timeout = timeout
        self.raise_for_status = raise_for_status

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send, and raise HTTPError for a status of 400 or more."""
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self.timeout
        response = super().send(request, **kwargs)
        if self.raise_for_status:
            response.raise_for_status()
        return response


@dataclass(eq=False)
class Client:
    """requests' functions, each tried up to `request_max_attempts` times; defaults are dlt's.

    Waits between the tries grow: `request_backoff_factor` · 2^n seconds, at most
    `request_max_retry_delay`; where the server says when to come back (`Retry-After`), that
    counts. After the last try what it ended in is raised or, without `raise_for_status`, returned.
    Each thread has a session of its own, which is as patient, with `session_attrs` set on it.
    """

    request_timeout: float | tuple[float, float] | None = 60
    max_connections: int = 50
    raise_for_status: bool = True
    status_codes: Sequence[int] = RETRIED_STATUS
    exceptions: Sequence[type[Exception]] = RETRIED_ERRORS
    request_max_attempts: int = 5
    retry_condition: Retry | Sequence[Retry] | None = None
    request_backoff_factor: float = 1
    request_max_retry_delay: float = 300
    respect_retry_after_header: bool = True
    session_attrs: Mapping[str, Any] | None = None
    _local: threading.local = field(default_factory=threading.local, init=False, repr=False)

    @property
    def session(self) -> Session:
        """This thread's own session."""
        found: Session | None = getattr(self._local, "session", None)
        if found is None:
            found = self._local.session = Session(self.request_timeout, self.raise_for_status)
            for scheme in ("http://", "https://"):
                found.mount(scheme, _Patient(self))
            for name, value in (self.session_attrs or {}).items():
                setattr(found, name, value)
        return found

    def request(self, method: str, url: str, **kwargs: Any) -> requests.Response:
        """requests.request, tried again as the client says."""
        return self.session.request(method, url, **kwargs)

    def get(self, url: str, **kwargs: Any) -> requests.Response:
        return self.request("GET", url, **kwargs)

    def post(self, url: str, **kwargs: Any) -> requests.Response:
        return self.request("POST", url, **kwargs)

    def put(self, url: str, **kwargs: Any) -> requests.Response:
        return self.request("PUT", url, **kwargs)

    def patch(self, url: str, **kwargs: Any) -> requests.Response:
        return self.request("PATCH", url, **kwargs)

    def delete(self, url: str, **kwargs: Any) -> requests.Response:
        return self.request("DELETE", url, **kwargs)

    def head(self, url: str, **kwargs: Any) -> requests.Response:
        return self.request("HEAD", url, **kwargs)

    def options(self, url: str, **kwargs: Any) -> requests.Response:
        return self.request("OPTIONS", url, **kwargs)

    def patiently(self, call: Callable[[], requests.Response]) -> requests.Response:
        """What `call` gives, called again as the client says; raises what the last call raised."""
        attempts = max(1, self.request_max_attempts)
        attempt = 1
        while True:
            response, error = _tried(call)
            if attempt >= attempts or not self._again(response, error):
                break
            if response is not None:
                response.close()
            time.sleep(self._wait(attempt, response))
            attempt += 1
        if error is not None:
            raise error
        assert response is not None
        return response

    def _again(self, response: requests.Response | None, error: Exception | None) -> bool:
        if isinstance(error, tuple(self.exceptions)):
            return True
        if response is not None and response.status_code in self.status_codes:
            return True
        return any(condition(response, error) for condition in _as_list(self.retry_condition))

    def _wait(self, attempt: int, response: requests.Response | None) -> float:
        asked = None
        if response is not None and self.respect_retry_after_header:
            asked = _seconds(response.headers.get("Retry-After"))
        grown = self.request_backoff_factor * 2.0 ** (attempt - 1)
        return min(grown if asked is None else asked, self.request_max_retry_delay)


class _Patient(HTTPAdapter):
    """Sends each request, and each that a redirect makes of it, as often as the client says."""

    def __init__(self, client: Client) -> None:
        self._client = client
        most = client.max_connections
        super().__init__(pool_connections=most, pool_maxsize=most)

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """One request, tried again. Unless it is a stream, its content is read here, so that a
        line that breaks on the way is noticed while there is patience left.
        """
        send = super().send

        def once() -> requests.Response:
            response = send(request, *args, **kwargs)
            if not kwargs.get("stream"):
                _ = response.content
            return response

        return self._client.patiently(once)


def _tried(
    call: Callable[[], requests.Response],
) -> tuple[requests.Response | None, Exception | None]:
    try:
        return call(), None
    except requests.RequestException as e:
        return None, e


def _as_list(given: Retry | Sequence[Retry] | None) -> list[Retry]:
    if given is None:
        return []
    return [given] if callable(given) else list(given)


def _seconds(header: str | None) -> float | None:
    """How long to wait by a Retry-After header: seconds, or a date; None if it says neither."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
