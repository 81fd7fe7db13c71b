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
    Each thread has a session of its own, with `session_attrs` set on it.
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
            found = self._local.session = Session(self.request_timeout, raise_for_status=False)
            adapter = HTTPAdapter(
                pool_connections=self.max_connections, pool_maxsize=self.max_connections
            )
            found.mount("http://", adapter)
            found.mount("https://", adapter)
            for name, value in (self.session_attrs or {}).items():
                setattr(found, name, value)
        return found

    def request(self, method: str, url: str, **kwargs: Any) -> requests.Response:
        """requests.request, tried again as the client says."""
        attempts = max(1, self.request_max_attempts)
        for attempt in range(1, attempts + 1):
            response, error = self._try(method, url, kwargs)
            if attempt == attempts or not self._again(response, error):
                break
            time.sleep(self._wait(attempt, response))
        if error is not None:
            raise error
        assert response is not None
        if self.raise_for_status:
            response.raise_for_status()
        return response

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

    def _try(
        self, method: str, url: str, kwargs: Mapping[str, Any]
    ) -> tuple[requests.Response | None, Exception | None]:
        try:
            return self.session.request(method, url, **kwargs), None
        except requests.RequestException as e:
            return None, e

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
