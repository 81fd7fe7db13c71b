"""One load at a time in a dataset: the others wait their turn.

Waiting is a courtesy, since of two loads that began from the same manifest only one can commit. So
a lock that a dead process left may be taken from it without harm, even if it was only asleep.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from odp_dlt.destinations.files.manifest import CONTROL
from odp_dlt.destinations.files.store import Store
from odp_dlt.errors import DestinationBusy, DestinationError

log = logging.getLogger(__name__)

LOCK = f"{CONTROL}/lock"
FIRST_NOTICE_S = 2.0
NOTICE_EVERY_S = 30.0
_LOCAL_POLL_S = 0.05
_REMOTE_POLL_S = 0.5


@contextmanager
def locked(store: Store, wait_s: float, lease_s: float) -> Iterator[None]:
    """Holds the dataset of `store`. DestinationBusy after `wait_s` seconds of waiting.

    The system frees a local lock when its process dies; elsewhere the holder says every third of
    `lease_s` that it lives, and who saw no sign of it for `lease_s` takes its place.
    """
    if store.is_local:
        with _local(store, wait_s):
            yield
        return
    lease = _Lease(store, lease_s)
    _wait(lease.take, store, wait_s, _REMOTE_POLL_S)
    with lease.kept():
        yield


@contextmanager
def _local(store: Store, wait_s: float) -> Iterator[None]:
    path = Path(store.at(LOCK))
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, thread_local=False)

    def take() -> bool:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        return True

    _wait(take, store, wait_s, _LOCAL_POLL_S)
    try:
        yield
    finally:
        lock.release()


def _wait(take: Callable[[], bool], store: Store, wait_s: float, poll_s: float) -> None:
    started = time.monotonic()
    notice_at = started + FIRST_NOTICE_S
    while not take():
        now = time.monotonic()
        if now - started > wait_s:
            raise DestinationBusy(
                f"another load still holds the dataset after {wait_s:.0f} s",
                at=store.uri,
                hint="Wait for it to end, or raise `wait_s` of the destination.",
            )
        if now > notice_at:
            log.info("waiting for '%s', held by another load", store.uri)
            notice_at = now + NOTICE_EVERY_S
        time.sleep(poll_s)


@dataclass
class _Lease:
    """A lock file that says its holder's name and how often it gave a sign of life."""

    store: Store
    lease_s: float

    def __post_init__(self) -> None:
        self._name = secrets.token_hex(8)
        self._seen: bytes | None = None
        self._since = 0.0

    def take(self) -> bool:
        """Whether the lock is held by this lease now."""
        if self.store.create(LOCK, self._sign(0)):
            return True
        content, now = self.store.read(LOCK), time.monotonic()
        if content != self._seen:
            self._seen, self._since = content, now
        elif content is not None and now - self._since > self.lease_s:
            log.warning("'%s' was held by a load that gives no sign of life", self.store.uri)
            self.store.delete(LOCK)
        return False

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Gives signs of life until the `with` is left; then frees the lock, if still ours."""
        stop = threading.Event()
        thread = threading.Thread(target=self._renew, args=(stop,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            if self._is_ours():
                self.store.delete(LOCK)

    def _renew(self, stop: threading.Event) -> None:
        count = 0
        while not stop.wait(self.lease_s / 3):
            count += 1
            try:
                if not self._is_ours():
                    return
                self.store.write(LOCK, self._sign(count))
            except DestinationError as e:  # the next sign may get through; the commit decides
                log.warning("no sign of life could be given: %s", e)

    def _is_ours(self) -> bool:
        content = self.store.read(LOCK)
        return content is not None and content.startswith(self._name.encode())

    def _sign(self, count: int) -> bytes:
        return f"{self._name} {count}".encode()
