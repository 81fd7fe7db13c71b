"""Pull requests of one GitHub repository, opened within a window of time."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from github import sample
from github.client import Client, Row, open_session
from odp_dlt import dlt
from odp_dlt.errors import ConfigError

API_URL = "https://api.github.com"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Window:
    """A span of time: `since` is in it, `until` is not, so that neighbours share no row."""

    since: datetime
    until: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment < self.until


@dlt.source
def github(
    repo: str,
    since: str,
    until: str | None = None,
    api_url: str = API_URL,
    access_token: dlt.TSecretStrValue | None = None,
) -> Any:
    """Pull requests of `repo` ("owner/name") that were opened in [`since`, `until`).

    Both are ISO dates or times, in UTC where they name no zone. Without `until` the window is the
    one day that begins at `since`: a daily partition loads its own day, whatever loaded before.

    `access_token` comes from `[sources.github]` in `.dlt/secrets.toml` or from the environment
    variable SOURCES__GITHUB__ACCESS_TOKEN; without it GitHub answers 60 requests an hour.
    `api_url: sample` needs no network: a server beside this file answers while the load reads.
    """
    if [bool(part) for part in repo.split("/")] != [True, True]:
        raise ConfigError(
            f"'{repo}' is not a repository", at="github: repo", hint="Write it as owner/name."
        )
    window = parse_window(since, until)

    @dlt.resource(name="pull_requests", primary_key="id")
    def pull_requests() -> Iterator[list[Row]]:
        with _client(api_url, repo, window, access_token) as client:
            yield from opened_in(window, client, repo)

    return pull_requests


def parse_window(since: str, until: str | None) -> Window:
    """The window that the parameters mean; ConfigError if they mean none."""
    start = _moment("since", since)
    end = start + timedelta(days=1) if until is None else _moment("until", until)
    if start >= end:
        raise ConfigError(
            f"the window from {since} to {until} is empty",
            at="github: until",
            hint="`until` is the first moment after the window; leave it out for one day.",
        )
    return Window(start, end)


def opened_in(window: Window, client: Client, repo: str) -> Iterator[list[Row]]:
    """Pages of the pull requests opened in `window`, newest first.

    The API cannot filter by time: pages newer than the window are read and dropped, and reading
    ends at the first page that reaches behind it.
    """
    query = {"state": "all", "sort": "created", "direction": "desc", "per_page": "100"}
    seen: set[int] = set()  # a pull request opened meanwhile shifts rows onto the next page
    for page in client.pages(f"/repos/{repo}/pulls", query):
        opened = [datetime.fromisoformat(row["created_at"]) for row in page]
        rows = [
            row
            for row, moment in zip(page, opened, strict=True)
            if moment in window and row["id"] not in seen
        ]
        seen.update(row["id"] for row in rows)
        if rows:
            yield rows
        if opened and opened[-1] < window.since:
            break
    log.info("%s: %d pull requests opened in the window", repo, len(seen))


@contextmanager
def _client(api_url: str, repo: str, window: Window, token: str | None) -> Iterator[Client]:
    with ExitStack() as stack:
        if api_url == "sample":
            last_day = (window.until - timedelta(microseconds=1)).date()
            api_url = stack.enter_context(sample.serve(repo, last_day))
            session = open_session(token=None, through_proxies=False)
        else:
            session = open_session(token)
        yield Client(stack.enter_context(closing(session)), api_url.rstrip("/"))


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as e:
        raise ConfigError(
            f"'{text}' is not a date or a time",
            at=f"github: {name}",
            hint="Write it as 2024-01-31 or 2024-01-31T12:00:00Z.",
        ) from e
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return zoned.astimezone(UTC)
