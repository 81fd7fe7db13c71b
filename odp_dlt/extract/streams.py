"""Resources that run together: in turns, in threads, and transformers fed by their parents."""

import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from odp_dlt.extract import current
from odp_dlt.extract.current import Running
from odp_dlt.extract.failure import user_code
from odp_dlt.extract.flow import WAIT, Batch, Flow
from odp_dlt.extract.pool import END, Pool

if TYPE_CHECKING:
    from odp_dlt.extract.resource import Resource

TOGETHER = 1000  # rows that were yielded one by one and make one page
TOGETHER_S = 0.2


@dataclass(eq=False)
class Stream:
    """One resource under way, and the transformers that it feeds. `wanted`: its rows are loaded.

    `alone` says that there is nobody to take turns with: rows that are yielded one by one then come
    many at a time.
    """

    resource: "Resource"
    running: Running
    flow: Flow
    wanted: bool = True
    alone: bool = False
    children: list["Stream"] = field(default_factory=list)
    done: bool = False
    yields: int = 0
    held: Any = None

    def __post_init__(self) -> None:
        self._batches = self.flow.batches()

    @property
    def needed(self) -> bool:
        """Whether anybody still wants its rows."""
        return self.wanted or any(not child.done for child in self.children)

    def advance(self) -> Any:
        """The next batch, WAIT, or END. The user's code runs in here only."""
        batch, self.held = self.held, None
        if batch is None:
            with current.running(self.running), user_code(self._place, self.resource.data):
                batch = self._together() if self.alone else self._next()
        self.done = batch is END
        return batch

    def _place(self) -> str:
        return f"resource '{self.resource.name}', at page {self.yields + 1},"

    def _next(self) -> Any:
        batch = next(self._batches, END)
        self.yields += batch is not WAIT
        return batch

    def _together(self) -> Any:
        """The next batch; after a single row as many more as come soon, the next one held."""
        batch = self._next()
        if not _is_single(batch):
            return batch
        rows, until = list(batch.rows), time.monotonic() + TOGETHER_S
        while len(rows) < TOGETHER and time.monotonic() < until:
            batch = self._next()
            if not _is_single(batch):
                self.held = batch
                break
            rows += batch.rows
        return Batch(rows, single=True)

    def close(self) -> None:
        with current.running(self.running):
            self._batches.close()


def _is_single(batch: Any) -> bool:
    """Whether it is what one yield of one row left, with no mark to go by."""
    plain = isinstance(batch, Batch) and batch.single and batch.mark is None
    return plain and isinstance(batch.rows, list)


def batches_of(
    resources: Sequence["Resource"], running: Running, pool: Pool, *, together: bool = False
) -> Generator[tuple["Resource", Batch], None, None]:
    """The batches of `resources`, in one a yield from each in turn.

    Parents that are not among them run too, once for all their transformers, but give no batch. A
    transformer works off what it was fed before its parent goes on. All are closed at the end,
    however it comes. With `together`, a resource that runs alone may be read ahead a little.
    """
    roots, streams = _linked(resources, running, pool)
    if together and len(streams) == 1 and not streams[0].flow.aside:
        streams[0].alone = True
    with ExitStack() as stack:
        for stream in streams:
            stack.callback(stream.close)
        for stream, batch in _in_turn(roots, pool):
            if stream.children:
                yield from _told(stream, batch)
            elif batch is not END:
                yield stream.resource, batch


def rows_of(resources: Sequence["Resource"], running: Running) -> Generator[Any, None, None]:
    """The rows of `resources` one by one, Arrow tables as they are."""
    pool = Pool.sized(running.settings)
    batches = batches_of(resources, running, pool)
    try:
        for _, batch in batches:
            yield from batch.rows if isinstance(batch.rows, list) else [batch.rows]
    finally:
        batches.close()
        pool.close()


def _linked(
    resources: Sequence["Resource"], running: Running, pool: Pool
) -> tuple[list[Stream], list[Stream]]:
    """The streams without a parent, and all streams."""
    streams: dict[int, Stream] = {}
    roots: list[Stream] = []

    def stream_of(resource: "Resource") -> Stream:
        found = streams.get(id(resource))
        if found is None:
            here = replace(running, resource_name=resource.name)
            found = Stream(resource, here, Flow(resource, pool), wanted=False)
            streams[id(resource)] = found
            if resource.parent is None:
                roots.append(found)
            else:
                stream_of(resource.parent).children.append(found)
        return found

    for resource in resources:
        stream_of(resource).wanted = True
    return roots, list(streams.values())


def _told(stream: Stream, batch: Any) -> Iterator[tuple["Resource", Batch]]:
    """The batch itself if its rows are wanted, then all that the transformers make of it.

    At the END, what the transformers have left.
    """
    if batch is not END and stream.wanted:
        yield stream.resource, batch
    for child in stream.children:
        if child.done:
            continue
        if batch is END:
            child.flow.end()
        else:
            for item in batch.items():
                child.flow.feed(item)
        while True:
            made = child.advance()
            if made is WAIT:
                break
            yield from _told(child, made)
            if made is END:
                break


def _in_turn(roots: Sequence[Stream], pool: Pool) -> Iterator[tuple[Stream, Any]]:
    """A batch of each in turn, END as the last; of those that run aside whoever is ready."""
    waiting = deque(roots)
    aside = [stream for stream in roots if stream.flow.aside]
    ahead: dict[Stream, Future[Any]] = {}
    try:
        while waiting:
            for stream in aside:
                if stream in waiting and stream not in ahead:
                    ahead[stream] = pool.advance(stream.advance)
            stream = _next_ready(waiting, ahead)
            future = ahead.pop(stream, None)
            batch = stream.advance() if future is None else future.result()
            yield stream, batch
            if batch is not END and stream.needed:
                waiting.append(stream)
    finally:
        wait(list(ahead.values()))  # a generator that runs cannot be closed


def _next_ready(waiting: deque[Stream], ahead: Mapping[Stream, Future[Any]]) -> Stream:
    """Take the first that can go on out of `waiting`; wait if none can."""
    if not ahead:
        return waiting.popleft()
    while True:
        for stream in waiting:
            future = ahead.get(stream)
            if future is None or future.done():
                waiting.remove(stream)
                return stream
        wait(list(ahead.values()), return_when=FIRST_COMPLETED)
