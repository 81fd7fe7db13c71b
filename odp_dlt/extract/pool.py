"""Where a resource's deferred work runs: a bounded pool of threads, and one event loop."""

import asyncio
import contextvars
import functools
import inspect
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, ParamSpec, TypeVar

from odp_dlt.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")

WORKERS = 5
MOST_UNDER_WAY = 20

END: Final = object()
"""What stands for the next item where there is none any more."""


class Pool:
    """One extraction's threads and event loop, made when first needed.

    Deferred calls have threads of their own, apart from those in which whole resources run: these
    wait for those, so with one pool for both every thread could end up waiting.
    """

    def __init__(self, workers: int = WORKERS, most_under_way: int = MOST_UNDER_WAY) -> None:
        """`workers` is for each kind of thread; `most_under_way` calls wait for their resource."""
        self.most_under_way = most_under_way
        self._calls = ThreadPoolExecutor(workers, "odp-deferred")
        self._streams = ThreadPoolExecutor(workers, "odp-resource")
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def sized(cls, settings: Settings) -> "Pool":
        """As `extract.workers` and `extract.max_parallel_items` say, by dlt's defaults."""

        def setting(key: str, default: int) -> int:
            found = settings.resolve(
                key, sections=("extract",), hint=int, secret=False, default=default
            )
            return max(1, int(found))

        workers = setting("workers", WORKERS)
        return cls(workers, setting("max_parallel_items", MOST_UNDER_WAY))

    def started(self, item: Any) -> Future[Any] | None:
        """The result to come, if `item` is a deferred call or an awaitable; None if it is data."""
        if inspect.isawaitable(item):
            return asyncio.run_coroutine_threadsafe(_result(item), self._running_loop())
        if callable(item) and not isinstance(item, Iterable):
            return self._calls.submit(contextvars.copy_context().run, item)
        return None

    def advance(self, step: Callable[[], Any]) -> Future[Any]:
        """The next page of a resource that runs beside the others."""
        return self._streams.submit(step)

    def iterated(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        """An async iterator's items, one after the other."""
        try:
            while True:
                found = self._wait(_next(items))
                if found is END:
                    return
                yield found
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                self._wait(_result(close()))

    def close(self) -> None:
        """End the threads and the loop; what is under way is cancelled where it can be."""
        self._streams.shutdown(wait=True, cancel_futures=True)
        self._calls.shutdown(wait=True, cancel_futures=True)
        if self._loop is not None:
            self._wait(_cancelled_rest())
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._running_loop()).result()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=_run_loop, args=(self._loop,), name="odp-async", daemon=True
                ).start()
            return self._loop


def defer(function: Callable[P, T]) -> Callable[P, Callable[[], T]]:
    """`@dlt.defer`: a call of `function` is made later, in a thread, beside others of its kind."""

    @functools.wraps(function)
    def later(*args: P.args, **kwargs: P.kwargs) -> Callable[[], T]:
        return functools.partial(function, *args, **kwargs)

    return later


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _result(awaitable: Awaitable[T]) -> T:
    return await awaitable


async def _next(items: AsyncIterator[Any]) -> Any:
    # a coroutine may not raise StopAsyncIteration
    return await anext(items, END)


async def _cancelled_rest() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
