"""`sensor_kind: http`: what is at a URL is another than before."""

import hashlib
from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from odp_dlt.errors import RetriableError, SourceError
from odp_dlt.sensors.base import Watch
from odp_dlt.sensors.changes import Changes, State

WAIT_S = 20
_NO_HEAD = (405, 501)
_CHUNK = 1 << 20


class Http(Changes):
    """`compare: headers` asks for the ETag, or else Last-Modified, and reads no content;
    `compare: content` reads all of it, for servers that have neither.
    """

    values: ClassVar[frozenset[str]] = frozenset({"url", "etag", "last_modified"})

    url: str = Field(pattern=r"^https?://")
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    compare: Literal["headers", "content"] = "headers"

    def look(self, watch: Watch) -> State:
        """RetriableError if the server does not answer, SourceError if it refuses."""
        import requests

        try:
            status, found, content = self._asked()
        except requests.RequestException as e:
            raise RetriableError(f"{self.url} does not answer: {type(e).__name__}") from e
        if status >= 400:
            raise SourceError(f"{self.url} answers with status {status}")
        etag, modified = found.get("ETag"), found.get("Last-Modified")
        version = content or etag or modified
        if version is None:
            raise SourceError(
                f"{self.url} has neither an ETag nor a Last-Modified header",
                hint="Write `compare: content` to compare what is there itself.",
            )
        values = {"url": self.url, "etag": etag, "last_modified": modified}
        return State(version, f"{self.url} is unchanged", values)

    def _asked(self) -> tuple[int, Mapping[str, str], str | None]:
        """The status, the headers, and a hash of the content where that is what counts."""
        import requests

        whole = self.compare == "content"
        with requests.Session() as session:
            session.headers.update(self.headers)
            if not whole:
                head = session.head(self.url, timeout=WAIT_S, allow_redirects=True)
                if head.status_code not in _NO_HEAD:
                    return head.status_code, head.headers, None
            with session.get(self.url, timeout=WAIT_S, stream=True) as answer:
                digest = hashlib.sha256()
                for chunk in answer.iter_content(_CHUNK) if whole else ():
                    digest.update(chunk)
                return answer.status_code, answer.headers, digest.hexdigest() if whole else None
