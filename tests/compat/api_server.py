"""An API on loopback that answers as a function says, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request; `body` is read as JSON where it is that, else it is text."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: Any
    headers: Mapping[str, str] = field(compare=False, repr=False)

    def said(self, name: str, default: str = "") -> str:
        """The query's parameter `name`."""
        return dict(self.query).get(name, default)


@dataclass(frozen=True)
class Told:
    """One answer; `{url}` in a text of a header is the server's address, in the body it is too."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Api:
    """The server: its address, and the requests so far."""

    url: str
    asked: list[Asked] = field(default_factory=list)

    def forget(self) -> list[Asked]:
        """The requests so far, which then begin anew."""
        before = list(self.asked)
        self.asked.clear()
        return before


@contextmanager
def serving(answer: Callable[[Asked], Told]) -> Iterator[Api]:
    """A server that gives `answer` to each request."""

    class Handler(BaseHTTPRequestHandler):
        wbufsize = (
            -1
        )  # HTTP 1.0: no connection outlives its answer, which a test would have to close

        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            asked = _asked(self.command, self.path, self.rfile.read(size), self.headers)
            api.asked.append(asked)
            told = answer(asked)
            text = told.body if isinstance(told.body, str) else json.dumps(told.body)
            content = text.replace("{url}", api.url).encode()
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(content)))
            for name, value in told.headers.items():
                self.send_header(name, value.replace("{url}", api.url))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - the name that it is called by

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - theirs
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api = Api(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _asked(method: str, target: str, content: bytes, headers: Any) -> Asked:
    url = urlsplit(target)
    text = content.decode()
    try:
        body = json.loads(text) if text else None
    except ValueError:
        body = text
    query = tuple(parse_qsl(url.query, keep_blank_values=True))
    return Asked(method, url.path, query, body, dict(headers.items()))
