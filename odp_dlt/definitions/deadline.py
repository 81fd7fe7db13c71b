"""`timeout` of an asset: Dagster limits runs, not steps, so the step limits itself."""

import ctypes
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import TypeVar

from odp_dlt.errors import TimedOut

T = TypeVar("T")


class _Expired(BaseException):
    """Raised inside the work; no `except Exception` of a source swallows it."""


def within(span: timedelta | None, work: Iterator[T]) -> Iterator[T]:
    """What `work` gives, as long as all of it together takes no longer than `span`; else TimedOut.

    Only `work` is broken off, never who takes what it gives. In the main thread a waiting call is
    woken by a signal; in another one the work ends at its next Python statement, for nothing else
    can be done to a thread.
    """
    if span is None:
        yield from work
        return
    end = time.monotonic() + span.total_seconds()
    while True:
        try:
            with _alarm(max(0.001, end - time.monotonic())):
                one = next(work)
        except StopIteration:
            return
        except _Expired as e:
            raise _timed_out(span) from e
        yield one


def _timed_out(span: timedelta) -> TimedOut:
    return TimedOut(
        f"it took longer than its timeout, {span}",
        hint="Nothing of the load that was under way is kept. Allow it a longer `timeout`, or less "
        "to do at once.",
    )


def _can_signal() -> bool:
    in_main = threading.current_thread() is threading.main_thread()
    return in_main and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def _alarm(seconds: float) -> AbstractContextManager[None]:
    return _by_signal(seconds) if _can_signal() else _by_thread(seconds)


@contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    def expire(_number: int, _frame: object) -> None:
        raise _Expired

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _by_thread(seconds: float) -> Iterator[None]:
    worker = ctypes.c_ulong(threading.get_ident())
    guard, done = threading.Lock(), threading.Event()

    def watch() -> None:
        done.wait(seconds)
        with guard:
            if not done.is_set():
                raising = ctypes.pythonapi.PyThreadState_SetAsyncExc
                raising(worker, ctypes.py_object(_Expired))

    watcher = threading.Thread(target=watch, daemon=True, name="odp-deadline")
    watcher.start()
    try:
        yield
    finally:
        with guard:
            done.set()
        watcher.join()
