"""A file as a row: what it is called and how large it is, and a way to its bytes."""

import gzip
import io
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Literal, NotRequired, TypedDict, cast
from urllib.parse import unquote, urlsplit

from odp_dlt.errors import SourceError
from odp_dlt.settings.credentials import library


class FileItem(TypedDict):
    """The fields of a file; `file_content` is its bytes where they are already here."""

    file_url: str
    file_name: str
    relative_path: str
    mime_type: str
    encoding: NotRequired[str]
    modification_date: datetime
    size_in_bytes: NotRequired[int]
    file_content: NotRequired[bytes]


class FileItemDict(dict[str, Any]):
    """A FileItem that can be opened: its own content, a local file, or one that `fsspec` reads.

    `fsspec` is a file system of that library, or none for local files.
    """

    def __init__(self, mapping: Any, fsspec: Any = None) -> None:
        super().__init__(mapping)
        self._fsspec = fsspec

    @property
    def fsspec(self) -> Any:
        """The file system; without a given one that of the URL. ConfigError without fsspec."""
        if self._fsspec is None:
            scheme = urlsplit(self["file_url"]).scheme or "file"
            self._fsspec = library("fsspec", "fsspec").filesystem(scheme)
        return self._fsspec

    @property
    def local_file_path(self) -> str:
        """The path of a file on this machine. SourceError if it is on another."""
        parts = urlsplit(self["file_url"])
        if parts.scheme not in ("", "file"):
            raise SourceError(f"'{self['file_url']}' is no file on this machine")
        return unquote(parts.path)

    def open(
        self,
        mode: str = "rb",
        compression: Literal["auto", "disable", "enable"] = "auto",
        **kwargs: Any,
    ) -> IO[Any]:
        """The file, opened. `compression` says whether gzip is undone; "auto" as `encoding` says.

        `kwargs` go to the file system, or are those of text.
        """
        if compression not in ("auto", "disable", "enable"):
            raise ValueError(f"compression cannot be {compression!r}: auto, disable or enable")
        packed = compression == "enable" or (
            compression == "auto" and self.get("encoding") == "gzip"
        )
        content = self.get("file_content")
        if content is not None:
            raw = io.BytesIO(gzip.decompress(content) if packed else content)
            return raw if "t" not in mode else io.TextIOWrapper(raw, **kwargs)
        here = urlsplit(self["file_url"]).scheme in ("", "file")
        if here and self._fsspec is None:
            return self._local(mode, packed, kwargs)
        place = self.local_file_path if here else self["file_url"]
        method = "gzip" if packed else None
        opened: IO[Any] = self.fsspec.open(place, mode=mode, compression=method, **kwargs)
        return opened

    def read_bytes(self) -> bytes:
        """The content as it is stored, packed or not."""
        content: bytes | None = self.get("file_content")
        if content is not None:
            return content
        with self.open(mode="rb", compression="disable") as file:
            found: bytes = file.read()
        return found

    def _local(self, mode: str, packed: bool, kwargs: dict[str, Any]) -> IO[Any]:
        path = Path(self.local_file_path)
        if packed:
            return cast(IO[Any], gzip.open(path, mode, **kwargs))
        return path.open(mode, **kwargs)
