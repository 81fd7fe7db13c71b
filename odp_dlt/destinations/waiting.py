"""Waiting for a database file that others hold, with a log line now and then."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from odp_dlt.errors import DestinationBusy

log = logging.getLogger(__name__)

R = TypeVar("R")

FIRST_NOTICE_S = 2.0
NOTICE_EVERY_S = 30.0
POLL_S = 0.1


class Held(Exception):  # noqa: N818 - a state of the file, caught by `waited` alone
    """Somebody else holds the file now; `args[0]` says who."""


@contextmanager
def queue(path: Path, wait_s: float) -> Iterator[None]:
    """One writer at a time, threads of one process included, by a lock file beside the database.

    The database's own lock would do between processes, but it fails instead of waiting, and inside
    one process it lets two transactions meet.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"), thread_local=False)

    def take() -> FileLock:
        try:
            lock.acquire(timeout=0)
        except Timeout as e:
            raise Held("another load") from e
        return lock

    waited(take, path, wait_s)
    try:
        yield
    finally:
        lock.release()


def waited(attempt: Callable[[], R], place: object, wait_s: float) -> R:
    """The result of `attempt`, once it does not raise Held any more.

    DestinationBusy after `wait_s` seconds.
    """
    started = time.monotonic()
    notice_at = started + FIRST_NOTICE_S
    while True:
        try:
            return attempt()
        except Held as held:
            now = time.monotonic()
            if now - started > wait_s:
                raise DestinationBusy(
                    f"'{place}' is still held by {held} after {wait_s:.0f} s",
                    hint="Close what has it open, or raise `wait_s` of the destination.",
                ) from held
            if now > notice_at:
                log.info("waiting for '%s', held by %s, since %.0f s", place, held, now - started)
                notice_at = now + NOTICE_EVERY_S
            time.sleep(POLL_S)
