"""One resource while it runs: what the user's code yields, as batches of rows.

A resource pulls from its own data. A transformer is fed with what its parent gave, and says that it
wants more (`WAIT`) when it has worked that off; so nothing heaps up between the two.
"""

import inspect
import time
from collections import deque
from collections.abc import (
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from inspect import BoundArguments
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.extract import current
from odp_dlt.extract.incremental import Incremental
from odp_dlt.extract.inject import Signature, place_of
from odp_dlt.extract.marks import Marked
from odp_dlt.extract.pool import Pool

if TYPE_CHECKING:
    from odp_dlt.extract.resource import Resource

ROWS_OF_A_LIST = 5000
"""How many rows of a list that the user gives whole make one page."""

ARROW = (pa.Table, pa.RecordBatch)

_DATA = frozenset({dict, list})

WAIT: Final = object()
"""What a transformer gives instead of a batch when it has to be fed first."""


@dataclass(frozen=True)
class Limit:
    """How much of a resource is taken: so many pages (or rows), or for so many seconds."""

    count: int | None
    seconds: float | None = None
    rows: bool = False

    def reached(self, counted: int, began: float) -> bool:
        """Whether it is enough after `counted` pages (or rows) since `began` (monotonic)."""
        if self.count is not None and counted >= self.count >= 0:
            return True
        return bool(self.seconds) and time.monotonic() - began > (self.seconds or 0)


class Batch(NamedTuple):  # one is made for each yield: a data class takes twice the time
    """What is left of one yield after all steps: a list of rows, perhaps empty, or Arrow.

    `single` says that the user gave rows one by one, not as a page; `mark` what was said about it.
    """

    rows: Any
    single: bool = False
    mark: Marked | None = None

    def items(self) -> list[Any]:
        """What a transformer is called with: the page as it was yielded, or the row."""
        if self.single or not isinstance(self.rows, list):
            return self.rows if isinstance(self.rows, list) else [self.rows]
        return [self.rows] if self.rows else []


@dataclass(eq=False)
class Flow:
    """One run of `resource`; a transformer is to be fed, and at last ended, between its batches."""

    resource: "Resource"
    pool: Pool
    _inbox: deque[Any] = field(default_factory=deque)
    _ended: bool = False

    @property
    def aside(self) -> bool:
        """Whether this is to run in a thread of its own, beside other resources."""
        resource = self.resource
        runs_async = inspect.isasyncgenfunction(resource.data) or inspect.isasyncgen(resource.data)
        return resource.parent is None and (resource.parallelized or runs_async)

    def feed(self, item: Any) -> None:
        self._inbox.append(item)

    def end(self) -> None:
        """No more items will be fed."""
        self._ended = True

    def batches(self) -> Generator[Any, None, None]:
        """Batches, and WAIT. Advance it inside `current.running` with the resource's name only.

        The user's generator is closed when this one is.
        """
        resource = self.resource
        limit = resource.limit or Limit(None)
        if limit.count == 0:
            return
        cursors = {name: self._bound_cursor(name, c) for name, c in resource.cursors().items()}
        walked = [cursor for cursor in cursors.values() if cursor is not None]
        counted, began = 0, time.monotonic()
        items = self._items({name: cursor for name, cursor in cursors.items() if name})
        try:
            for item in items:
                if item is WAIT:
                    yield item
                    continue
                batch = self._stepped(item, walked)
                yield batch
                counted += _counted(item, batch, limit)
                if limit.reached(counted, began) or any(cursor.can_close for cursor in walked):
                    return
        finally:
            items.close()

    def _bound_cursor(
        self, argument: str, cursor: Incremental[Any] | None
    ) -> Incremental[Any] | None:
        if cursor is None:
            return None
        resource = self.resource
        if argument and argument not in resource.kwargs:
            cursor = cursor.from_settings(current.settings(), self._sections, argument)
        key = None if callable(resource.hints.primary_key) else resource.hints.primary_key
        return cursor.bound(resource.name, key, current.resource_state(), current.window())

    @property
    def _sections(self) -> tuple[str, str, str]:
        return "sources", current.section() or self.resource.section, self.resource.name

    def _items(self, given: Mapping[str, Any]) -> Generator[Any, None, None]:
        """What the user yields, deferred work done."""
        data = self.resource.data
        if self.resource.parent is not None:
            yield from self._settled(self._called(given))
            return
        opened = self._opened(given)
        try:
            yield from self._settled(opened)
        finally:
            for each in (opened, data):
                if inspect.isgenerator(each):
                    each.close()

    def _opened(self, given: Mapping[str, Any]) -> Iterator[Any]:
        data = self.resource.data
        if self.resource.is_transformer:
            raise ConfigError(
                f"the transformer '{self.resource.name}' has no data to transform",
                at=place_of(data),
                hint=f"Pipe a resource into it: resource | {self.resource.name}, or data_from=….",
            )
        if callable(data):
            bound = self._bound(given)
            data = data(*bound.args, **bound.kwargs)
        elif inspect.isgenerator(data) and inspect.getgeneratorstate(data) == inspect.GEN_CLOSED:
            raise self._wrong("is a generator that was read already; give its function instead")
        work = self.pool.started(data)
        if work is not None:
            data = work.result()
        if isinstance(data, AsyncIterator):
            return self.pool.iterated(data)
        if isinstance(data, ARROW) or is_frame(data):
            return iter([data])
        if isinstance(data, (list, tuple)):
            return iter(data) if self.resource.limit or not _flat(data) else _slices(data)
        if isinstance(data, Iterable) and not isinstance(data, (Mapping, str, bytes)):
            return iter(data)
        raise self._wrong(
            f"gives {'None' if data is None else type(data).__name__}, not rows: it must yield, or"
            " return a list"
        )

    def _bound(self, given: Mapping[str, Any], first: tuple[Any, ...] = ()) -> BoundArguments:
        resource, data = self.resource, self.resource.data
        function = Signature(data, f"resource '{resource.name}'", "<locals>" in _qualified(data))
        return function.filled(self._sections, (*first, *resource.args), resource.kwargs, given)

    def _called(self, given: Mapping[str, Any]) -> Iterator[Any]:
        """The transformer's answers to its items, or, where it is parallelized, calls for them."""
        data, bound = self.resource.data, self._bound(given, (None,))
        _, *args = bound.args
        while self._inbox or not self._ended:
            if not self._inbox:
                yield WAIT
                continue
            call = partial(data, self._inbox.popleft(), *args, **bound.kwargs)
            yield partial(_whole, call) if self.resource.parallelized else call()

    def _settled(self, items: Iterator[Any]) -> Iterator[Any]:
        """`items` in their order, with those that are deferred or awaitable replaced by their
        results, a bounded number of which is under way at once; generators are read.
        """
        under_way: deque[Future[Any]] = deque()
        for item in items:
            if not under_way and type(item) in _DATA:
                yield item
                continue
            work = None if item is WAIT else self.pool.started(item)
            if work is None:
                while under_way and (item is not WAIT or under_way[0].done()):
                    yield from self._read(under_way.popleft().result())
                yield from [item] if item is WAIT else self._read(item)
                continue
            under_way.append(work)
            while under_way and (len(under_way) >= self._most or under_way[0].done()):
                yield from self._read(under_way.popleft().result())
        while under_way:
            yield from self._read(under_way.popleft().result())

    @property
    def _most(self) -> int:
        return self.pool.most_under_way

    def _read(self, item: Any) -> Iterator[Any]:
        if isinstance(item, AsyncIterator):
            yield from self._settled(self.pool.iterated(item))
        elif isinstance(item, Iterator) or (callable(item) and isinstance(item, Iterable)):
            yield from self._settled(iter(item))  # a generator, or another resource
        else:
            yield item

    def _stepped(self, item: Any, cursors: Sequence[Incremental[Any]]) -> Batch:
        if type(item) is dict:  # the most usual, on a way of its own
            return Batch(self._through([item], cursors), single=True)
        mark = item if isinstance(item, Marked) else None
        data = item.data if isinstance(item, Marked) else item
        if is_frame(data):
            data = arrow_of(data)
        if isinstance(data, ARROW):
            return Batch(self._arrow(data, cursors), mark=mark)
        if data is None:
            return Batch([], mark=mark)
        page = isinstance(data, (list, tuple))
        rows = list(data) if page else [data]
        if rows and _no_row(rows[0]):
            raise self._wrong(f"yields {type(data).__name__} of {type(rows[0]).__name__}, not rows")
        rows = self._through(rows, cursors)
        return Batch(rows, not page or isinstance(data, _Slice), mark)

    def _through(self, rows: list[Any], cursors: Sequence[Incremental[Any]]) -> list[Any]:
        for step in self.resource.steps:
            rows = step(rows)
        for cursor in cursors:
            rows = cursor.page(rows) if rows else rows
        return rows

    def _arrow(self, table: Any, cursors: Sequence[Incremental[Any]]) -> Any:
        rows = [table]
        for step in self.resource.steps:
            rows = step(rows)
        for cursor in cursors:
            rows = [cursor.arrow(each) for each in rows]
        return rows[0] if len(rows) == 1 else rows

    def _wrong(self, what: str) -> SourceError:
        resource = self.resource
        return SourceError(f"resource '{resource.name}' {what}", at=place_of(resource.data))


class _Slice(list[Any]):
    """Rows of a list that the user gave whole: each is an item of its own."""


def is_frame(value: Any) -> bool:
    """Whether `value` is a data frame of pandas or polars; neither is imported for the question."""
    kind = type(value)
    return kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] in (
        "pandas",
        "polars",
    )


def arrow_of(frame: Any) -> pa.Table:
    """A data frame as an Arrow table; pandas' index is left out."""
    if hasattr(frame, "to_arrow"):
        return frame.to_arrow()
    return pa.Table.from_pandas(frame, preserve_index=False)


def _whole(call: Callable[[], Any]) -> Any:
    """The answer of a call, read to its end where it is a generator."""
    answer = call()
    return iter(list(answer)) if isinstance(answer, Iterator) else answer


def _qualified(function: Any) -> str:
    return str(getattr(inspect.unwrap(function), "__qualname__", ""))


def _no_row(item: Any) -> bool:
    return callable(item) or inspect.isawaitable(item) or isinstance(item, ARROW)


def _flat(rows: Any) -> bool:
    """Whether `rows` are rows, one and all, rather than pages or work to be done."""
    return not any(type(row) is not dict and _odd(row) for row in rows)


def _odd(row: Any) -> bool:
    known = (list, tuple, Marked, AsyncIterator, Iterator, *ARROW)
    return row is None or isinstance(row, known) or is_frame(row) or _no_row(row)


def _slices(rows: Any) -> Iterator[Any]:
    for start in range(0, len(rows), ROWS_OF_A_LIST):
        yield _Slice(rows[start : start + ROWS_OF_A_LIST])


def _counted(item: Any, batch: Batch, limit: Limit) -> int:
    """What a yield counts towards the limit: dlt counts pages that were empty, not emptied ones."""
    if limit.rows:
        return len(batch.rows)
    return int(isinstance(batch.rows, ARROW) or len(batch.rows) > 0 or item == [])
