"""A place for files, local or remote, as far as a dataset needs it: paths count from its root."""

import os
import posixpath
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from pyarrow import fs

from odp_dlt.errors import DestinationError

Create = Callable[[str, bytes], bool]


@dataclass(frozen=True)
class Store:
    """A folder of a file system.

    `uri` is how other tools name it: a bucket's URL, or an absolute path. `exclusive` writes a
    whole file at a path of the file system, and says False if one is there: the one step that
    decides between two loads, which pyarrow's file systems do not have.
    """

    system: fs.FileSystem
    root: str
    uri: str
    exclusive: Create = field(repr=False)
    is_local: bool = False

    def below(self, folder: str) -> "Store":
        """The store of a folder in this one."""
        return replace(self, root=self.at(folder), uri=f"{self.uri}/{folder}")

    def at(self, path: str) -> str:
        """`path` as the file system names it."""
        return posixpath.join(self.root, path)

    def read(self, path: str) -> bytes | None:
        """The content of a file; None if there is none."""
        try:
            with self.system.open_input_stream(self.at(path), compression=None) as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            return None
        except OSError as e:
            if self._is_gone(path):  # S3 was asked for its size first, and for its content then
                return None
            raise self.failed("read", path, e) from e

    def write(self, path: str, data: bytes) -> None:
        """A whole file, in place of one that may be there; never seen half written."""
        with self.sink(path) as out:
            out.write(data)

    def create(self, path: str, data: bytes) -> bool:
        """A whole file where there is none; False, with nothing changed, if there is one."""
        try:
            self._make_folder(path)
            return self.exclusive(self.at(path), data)
        except OSError as e:
            raise self.failed("write", path, e) from e

    @contextmanager
    def sink(self, path: str) -> Iterator[IO[bytes]]:
        """A stream into a file, which is there when the `with` is left in order."""
        try:
            self._make_folder(path)
            if self.is_local:
                with _local_sink(Path(self.at(path))) as out:
                    yield out
                return
            with self.system.open_output_stream(self.at(path), compression=None) as stream:
                yield stream
        except OSError as e:
            raise self.failed("write", path, e) from e

    def source(self, path: str) -> Any:
        """A file opened for random access. DestinationError, or FileNotFoundError if it is gone."""
        try:
            return self.system.open_input_file(self.at(path))
        except FileNotFoundError:
            raise
        except OSError as e:
            raise self.failed("read", path, e) from e

    def delete(self, path: str) -> None:
        """Remove a file that may be gone already."""
        try:
            self.system.delete_file(self.at(path))
        except FileNotFoundError:
            return
        except OSError as e:
            raise self.failed("delete", path, e) from e

    def files(
        self, folder: str = "", *, deep: bool = False, hidden: bool = False
    ) -> dict[str, int]:
        """Path → size of the files in a folder, by name; none if there is no such folder.

        `hidden` are those whose names begin with a dot: files that were never finished.
        """
        where = self.at(folder) if folder else self.root
        selector = fs.FileSelector(where, allow_not_found=True, recursive=deep)
        try:
            found = self.system.get_file_info(selector)
        except OSError as e:
            raise self.failed("list", folder, e) from e
        cut = len(self.root.rstrip("/")) + 1
        files = (info for info in found if info.type == fs.FileType.File)
        shown = (info for info in files if hidden or not info.base_name.startswith("."))
        return dict(sorted((info.path[cut:], info.size) for info in shown))

    def failed(self, what: str, path: str, error: OSError) -> DestinationError:
        """What a failed access to `path` is for who runs the destination."""
        text = str(error)
        hint = None
        if "NO_SUCH_BUCKET" in text or "NoSuchBucket" in text:
            hint = "Make the bucket first; loads never make one."
        elif "ACCESS_DENIED" in text or "status 403" in text or isinstance(error, PermissionError):
            hint = "Check the credentials, and what they are allowed to do there."
        return DestinationError(f"cannot {what} '{path or '.'}': {text}", at=self.uri, hint=hint)

    def _is_gone(self, path: str) -> bool:
        try:
            found = self.system.get_file_info(self.at(path))
        except OSError:
            return False
        return bool(found.type == fs.FileType.NotFound)

    def _make_folder(self, path: str) -> None:
        if self.is_local:
            Path(self.at(path)).parent.mkdir(parents=True, exist_ok=True)


def local_store(folder: Path) -> Store:
    """The store of a local folder, which need not be there."""
    path = folder.as_posix()
    return Store(fs.LocalFileSystem(), path, path, create_local, is_local=True)


def create_local(path: str, data: bytes) -> bool:
    """A hard link is made whole, and only where there is nothing."""
    target = Path(path)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        draft.write_bytes(data)
        os.link(draft, target)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


@contextmanager
def _local_sink(path: Path) -> Iterator[IO[bytes]]:
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("wb") as out:
            yield out
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
