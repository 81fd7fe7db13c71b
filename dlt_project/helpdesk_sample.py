"""A small local server that answers like the API of a help desk, for work without network.

`GET /tickets?updated_since=…&page=…&per_page=…`, in the order of their last change, and
`GET /tickets/{id}/comments`. All rows are invented; equal ids have equal rows.
"""

import json
import threading
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Row = dict[str, Any]

TICKETS = 48
FIRST = datetime(2026, 1, 5, 8, tzinfo=UTC)

PEOPLE = ("Ada", "Grace", "Edsger", "Barbara", "Donald")
TAGS = ("billing", "login", "export", "mobile", "urgent")
SUBJECTS = ("cannot sign in", "invoice is missing", "export stops half way", "app crashes")
ANSWERS = ("We look into it.", "Fixed in the next version.", "Can you send a screenshot?")


@cache
def address() -> str:
    """The base URL of the server. It is up from the first call to the end of the process."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="helpdesk sample", daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def ticket(number: int) -> Row:
    """The ticket `number`, from 1."""
    opened = FIRST + timedelta(hours=7 * number)
    return {
        "id": number,
        "subject": SUBJECTS[number % len(SUBJECTS)],
        "status": "open" if number % 3 else "closed",
        "requester": {"name": PEOPLE[number % len(PEOPLE)], "vip": number % 7 == 0},
        "tags": [TAGS[(number + more) % len(TAGS)] for more in range(number % 3)],
        "created_at": _written(opened),
        "updated_at": _written(opened + timedelta(minutes=11 * number)),
    }


def comments(number: int) -> list[Row]:
    """The comments on the ticket `number`."""
    opened = FIRST + timedelta(hours=7 * number)
    return [
        {
            "id": 10 * number + place,
            "ticket_id": number,
            "author": {"name": PEOPLE[(number + place) % len(PEOPLE)]},
            "body": ANSWERS[(number + place) % len(ANSWERS)],
            "attachments": [{"name": f"screen-{n}.png", "bytes": 2048 * n} for n in range(place)],
            "created_at": _written(opened + timedelta(minutes=20 * place)),
        }
        for place in range(number % 4)
    ]


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave together; apart, each answer would take 40 ms longer

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        parts = url.path.strip("/").split("/")
        if parts == ["tickets"]:
            self._answer(200, _page(dict(parse_qsl(url.query))))
        elif len(parts) == 3 and parts[1].isdigit() and 0 < int(parts[1]) <= TICKETS:
            self._answer(200, comments(int(parts[1])))
        else:
            self._answer(404, {"error": "there is no such ticket"})

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - theirs
        """Nothing: what is asked, a test can see by what is answered."""


def _page(query: dict[str, str]) -> Row:
    since, size, page = query["updated_since"], int(query["per_page"]), int(query["page"])
    found = [ticket(number) for number in range(1, TICKETS + 1)]
    changed = [row for row in found if row["updated_at"] >= since]
    rows = changed[(page - 1) * size : page * size]
    return {"tickets": rows, "next_page": page + 1 if page * size < len(changed) else None}


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
