"""A small local server that answers like GitHub's REST API, for work without network.

It knows one repository and one list, `GET /repos/{owner}/{name}/pulls`, as it would stand at the
end of a given day. The rows are invented by `sample_pulls`; equal days have equal rows.
"""

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from github import sample_pulls

ASKED = {"state": "all", "sort": "created", "direction": "desc"}

log = logging.getLogger(__name__)


@contextmanager
def serve(repo: str, last_day: date) -> Iterator[str]:
    """The base URL of a server that knows `repo` until the end of `last_day`; up in the block."""
    server = _Server(repo, last_day)
    thread = threading.Thread(
        target=server.serve_forever, args=(0.02,), name="github sample", daemon=True
    )
    thread.start()
    try:
        yield server.base_url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    """Listens on a free port of this machine; says once in its life that it is asked too often."""

    daemon_threads = True

    def __init__(self, repo: str, last_day: date) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repo = repo
        self.total = sample_pulls.opened_through(last_day)
        self.base_url = f"http://127.0.0.1:{self.server_port}"
        self._spent = threading.Lock()

    def limits_now(self, page: int) -> bool:
        """True for the first request of a second page, and never again."""
        return page == 2 and self._spent.acquire(blocking=False)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave together; apart, each answer would take 40 ms longer

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        if url.path.lower() != f"/repos/{self.server.repo}/pulls".lower():
            self._answer(404, {"message": "Not Found", "status": "404"})
        elif {key: query.get(key) for key in ASKED} != ASKED:
            self._answer(422, {"message": f"the sample server answers {ASKED} only"})
        else:
            self._list(url.path, query)

    def _list(self, path: str, query: Mapping[str, str]) -> None:
        size = min(int(query.get("per_page", "30")), 100)
        page = int(query.get("page", "1"))
        if self.server.limits_now(page):
            message = "You have exceeded a secondary rate limit."
            self._answer(429, {"message": message}, {"Retry-After": "1"})
            return
        newest = self.server.total - (page - 1) * size
        numbers = range(newest, max(newest - size, 0), -1)
        rows = [sample_pulls.pull_request(self.server.repo, number) for number in numbers]
        last = max(1, -(-self.server.total // size))
        links = _links(f"{self.server.base_url}{path}", query, page, last)
        self._answer(200, rows, {"Link": links} if links else {})

    def _answer(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - theirs
        """To the log instead of standard error."""
        log.debug(format, *args)


def _links(url: str, query: Mapping[str, str], page: int, last: int) -> str:
    """The Link header: where the next and last pages are, and from later ones the way back."""
    pages = {"next": page + 1, "last": last} if page < last else {}
    if page > 1:
        pages |= {"first": 1, "prev": page - 1}
    return ", ".join(
        f'<{url}?{urlencode({**query, "page": number})}>; rel="{rel}"'
        for rel, number in pages.items()
    )
