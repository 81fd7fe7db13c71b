"""A local HTTP server that gives prepared answers, one a request."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Answer:
    """`body` goes out as JSON, a text as it is; `{url}` in a header is the server's address."""

    status: int = 200
    body: object = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ScriptedApi:
    """`requests` are the path and the headers of each request so far."""

    url: str
    requests: list[tuple[str, Mapping[str, str | None]]]


@contextmanager
def answering(*answers: Answer) -> Iterator[ScriptedApi]:
    """Serve `answers` in turn, the last one again and again."""
    seen: list[tuple[str, Mapping[str, str | None]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers[min(len(seen), len(answers) - 1)]
            seen.append((self.path, dict(self.headers.items())))
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(text.encode())))
            for name, value in answer.headers.items():
                self.send_header(name, value.replace("{url}", url))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield ScriptedApi(url, seen)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
