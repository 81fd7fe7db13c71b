"""Reads lists from GitHub's REST API, page by page, and waits when GitHub says so."""

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from odp_dlt.errors import ConfigError, RetriableError, SourceError

Row = dict[str, Any]

log = logging.getLogger(__name__)

BROKEN = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


def open_session(token: str | None, through_proxies: bool = True) -> requests.Session:
    """A session that speaks GitHub's dialect; without proxies for a server on this machine."""
    session = requests.Session()
    session.trust_env = through_proxies
    session.headers["Accept"] = "application/vnd.github+json"
    session.headers["X-GitHub-Api-Version"] = "2022-11-28"
    session.headers["User-Agent"] = "odp-dlt-example"
    if token:
        # As `auth`, not as a header: requests would let a .netrc entry win over the header.
        session.auth = lambda request: _signed(request, token)
    return session


@dataclass(frozen=True)
class Client:
    """An API at `base_url`; times are in seconds.

    A request is tried `attempts` times when the server or the connection fails, `pause` apart and
    twice as long each time. Waits that GitHub asks for are no failures: they count towards
    `patience`, the longest that one request may wait in all.
    """

    session: requests.Session
    base_url: str
    attempts: int = 5
    pause: float = 0.5
    patience: float = 900.0
    timeout: tuple[float, float] = (10.0, 60.0)  # to connect, to read

    def pages(self, path: str, query: Mapping[str, str]) -> Iterator[list[Row]]:
        """The lists at `path`, as long as an answer's Link header names a next page.

        ConfigError if the API refuses (401, 403, 404), RetriableError if waiting and trying again
        were not enough, SourceError if the answer is no list.
        """
        response = self._get(self.base_url + path, query)
        while True:
            yield _rows(response)
            following = response.links.get("next", {}).get("url")
            if not following:
                return
            response = self._get(following)

    def _get(self, url: str, query: Mapping[str, str] | None = None) -> requests.Response:
        failures, waited = 0, 0.0
        while True:
            try:
                response = self.session.get(url, params=query, timeout=self.timeout)
            except BROKEN as e:
                failures += 1
                self._pause(failures, url, str(e))
                continue
            if response.status_code >= 500:
                failures += 1
                self._pause(failures, url, f"{response.status_code} {response.reason}")
                continue
            wait = _asked_wait(response)
            if wait is None:
                return _accepted(response)
            waited += wait
            self._wait(wait, waited, url)

    def _pause(self, failures: int, url: str, reason: str) -> None:
        if failures >= self.attempts:
            raise RetriableError(
                f"no answer after {failures} attempts; the last: {reason}",
                at=url,
                hint="Run it again when the API and the connection to it are up.",
            )
        seconds = self.pause * 2 ** (failures - 1)
        log.warning("%s: %s; again in %.1f s", url, reason, seconds)
        time.sleep(seconds)

    def _wait(self, seconds: float, waited: float, url: str) -> None:
        if waited > self.patience:
            raise RetriableError(
                f"rate limit reached; GitHub asks for {seconds:.0f} s more",
                at=url,
                hint="Run it again after that. With an access token the limit is far higher: set "
                "access_token under [sources.github] in .dlt/secrets.toml.",
            )
        log.warning("%s: rate limit reached; waiting %.0f s as asked", url, seconds)
        time.sleep(seconds)


def _asked_wait(response: requests.Response) -> float | None:
    """Seconds that a refusal asks to wait, or None if it is not about rates.

    https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api: Retry-After first,
    then the reset time once nothing remains, else a minute.
    """
    if response.status_code not in (403, 429):
        return None
    headers = response.headers
    if headers.get("Retry-After", "").isdigit():
        return max(1.0, float(headers["Retry-After"]))
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(1.0, float(reset) - time.time() + 1)
    if response.status_code == 429 or "rate limit" in response.text.lower():
        return 60.0
    return None


def _accepted(response: requests.Response) -> requests.Response:
    if response.ok:
        return response
    hints = {
        401: "Check access_token under [sources.github] in .dlt/secrets.toml, or "
        "SOURCES__GITHUB__ACCESS_TOKEN in the environment: it is wrong or has expired.",
        403: "The access token lacks the right to read pull requests here.",
        404: "Check `repo` (owner/name). A private repository looks missing without an access "
        "token that may read it.",
    }
    reason = _message(response) or response.reason
    raise ConfigError(
        f"GitHub answers {response.status_code}: {reason}",
        at=response.url,
        hint=hints.get(response.status_code, "GitHub does not accept this request as it is."),
    )


def _rows(response: requests.Response) -> list[Row]:
    try:
        rows = response.json()
    except requests.exceptions.JSONDecodeError as e:
        raise _not_a_list(response) from e
    if not isinstance(rows, list):
        raise _not_a_list(response)
    return rows


def _not_a_list(response: requests.Response) -> SourceError:
    kind = response.headers.get("Content-Type", "of no declared type")
    return SourceError(
        f"the answer is not a list of pull requests in JSON ({kind})",
        at=response.url,
        hint="Check `api_url`; a proxy in between may have answered in GitHub's place.",
    )


def _message(response: requests.Response) -> str:
    try:
        return str(response.json()["message"])
    except (requests.exceptions.JSONDecodeError, KeyError, TypeError):
        return ""


def _signed(request: requests.PreparedRequest, token: str) -> requests.PreparedRequest:
    request.headers["Authorization"] = f"Bearer {token}"
    return request
