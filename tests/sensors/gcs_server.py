"""A server on loopback that lists objects in the shape of Google Cloud Storage's JSON API."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = 2
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Gcs:
    """One bucket; each object that is put is a minute newer than the one before."""

    endpoint: str = ""
    objects: dict[str, dict[str, str]] = field(default_factory=dict)
    puts: int = 0

    def put(self, name: str) -> None:
        self.puts += 1
        at = START + timedelta(minutes=self.puts)
        updated = at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.objects[name] = {"name": name, "generation": str(self.puts), "updated": updated}

    def page(self, prefix: str, token: int) -> dict[str, Any]:
        found = [one for name, one in sorted(self.objects.items()) if name.startswith(prefix)]
        more = {"nextPageToken": str(token + PAGE)} if len(found) > token + PAGE else {}
        return {"kind": "storage#objects", "items": found[token : token + PAGE], **more}


@contextmanager
def gcs_server(bucket: str) -> Iterator[Gcs]:
    """The server, with an empty bucket of that name; others are not found."""
    held = Gcs()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            asked = {key: values[0] for key, values in parse_qs(url.query).items()}
            if unquote(url.path) == f"/storage/v1/b/{bucket}/o":
                found = held.page(asked.get("prefix", ""), int(asked.get("pageToken", 0)))
                self._answer(200, found)
            else:
                said = {"code": 404, "message": "The specified bucket does not exist."}
                self._answer(404, {"error": said})

        def _answer(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        held.endpoint = f"http://127.0.0.1:{server.server_port}"
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
