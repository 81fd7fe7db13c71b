"""`sensor_kind: file`: new and changed files of a folder on local disk."""

import glob
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from odp_dlt.errors import SourceError
from odp_dlt.sensors.base import Watch
from odp_dlt.sensors.listing import Choose, Listing
from odp_dlt.sensors.seen import Thing, news
from odp_dlt.settings import AnchoredPath
from odp_dlt.workflow.durations import Duration


class File(Listing):
    """`path` is a glob such as `inbox/**/*.csv`; a relative one counts from the root.

    A file counts once nobody has written to it for `settled_for`. It is changed when its size or
    the time of its last change is another one. Files whose names begin with a dot do not count.
    """

    path: AnchoredPath
    settled_for: Duration = timedelta(seconds=10)

    def things(self, watch: Watch) -> Iterator[Thing]:
        """The files that fit the glob, and are not being written."""
        newest = time.time() - self.settled_for.total_seconds()
        try:
            for name in glob.iglob(str(self.path), recursive=True):  # noqa: PTH207 - a whole pattern
                stat = _stat(Path(name))
                if stat is not None and stat[0] <= newest * 1e9:
                    at = datetime.fromtimestamp(stat[0] / 1e9, UTC)
                    yield Thing(Path(name).as_posix(), f"{stat[0]}-{stat[1]}", at)
        except OSError as e:
            raise SourceError(f"'{self.path}' cannot be listed: {e.strerror}") from e

    def uri(self, path: str) -> str:
        """A `file://` URI."""
        return Path(path).absolute().as_uri()

    @property
    def choose(self) -> Choose:
        """All files that are there are remembered: one that is moved here keeps its old time."""
        return news


def _stat(file: Path) -> tuple[int, int] | None:
    """When a file was last written, in nanoseconds, and its size; None if it is no file."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return (found.st_mtime_ns, found.st_size) if file.is_file() else None
