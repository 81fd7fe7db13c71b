"""A resource: a named stream of rows with hints for its table, and a source: some resources."""

import inspect
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.extract import current
from odp_dlt.extract.current import Running
from odp_dlt.extract.hints import Hints
from odp_dlt.extract.incremental import Incremental
from odp_dlt.extract.inject import Signature, place_of
from odp_dlt.schema.model import Table
from odp_dlt.schema.naming import Naming
from odp_dlt.settings.convert import plain

ROWS_OF_A_LIST = 5000
"""How many rows of a list that the user gives whole make one page."""

ARROW = (pa.Table, pa.RecordBatch)

_END = object()

Step = Callable[[list[Any]], list[Any]]


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


@dataclass(eq=False)
class Resource:
    """A stream of rows: `data` is a function that yields pages, or the rows themselves.

    As in dlt, `add_…`, `apply_hints` and `bind` change the resource and return it; a call and
    `with_name` give a new one.
    """

    name: str
    data: Any = field(repr=False)
    hints: Hints = field(default_factory=Hints)
    section: str = ""
    selected: bool = True
    declared: Incremental[Any] | None = None
    args: tuple[Any, ...] = field(default=(), repr=False)
    kwargs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    args_bound: bool = False
    steps: tuple[Step, ...] = ()
    limit: Limit | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> "Resource":
        """A new resource with the arguments of its function bound."""
        return replace(self).bind(*args, **kwargs)

    def __iter__(self) -> Iterator[Any]:
        """Row by row, as in a run; outside of a run with a state that is then forgotten."""
        present = current.now() or Running(current.settings(), source_name=self.name)
        pages = self.pages()
        try:
            while True:
                with current.running(replace(present, resource_name=self.name)):
                    page = next(pages, _END)
                if page is _END:
                    return
                yield from page if isinstance(page, list) else [page]
        finally:
            pages.close()

    def bind(self, *args: Any, **kwargs: Any) -> "Resource":
        """Fix the arguments of the function. ConfigError if it does not take them."""
        if not callable(self.data):
            raise ConfigError(
                f"resource '{self.name}' has rows, not a function: it takes no arguments"
            )
        if self.args_bound:
            raise ConfigError(f"the arguments of resource '{self.name}' are bound already")
        try:
            inspect.signature(self.data).bind_partial(*args, **kwargs)
        except TypeError as e:
            raise ConfigError(f"resource '{self.name}': {e}", at=place_of(self.data)) from e
        self.args, self.kwargs, self.args_bound = args, kwargs, True
        return self

    def with_name(self, name: str) -> "Resource":
        """A new resource of another name, and so with another table and state."""
        return replace(self, name=name)

    def add_map(self, function: Callable[[Any], Any], insert_at: int | None = None) -> "Resource":
        """Each row becomes what `function` makes of it."""
        return self._add(lambda rows: [function(row) for row in rows], insert_at)

    def add_filter(
        self, function: Callable[[Any], Any], insert_at: int | None = None
    ) -> "Resource":
        """Only rows for which `function` is true stay."""
        return self._add(lambda rows: [row for row in rows if function(row)], insert_at)

    def add_yield_map(
        self, function: Callable[[Any], Iterable[Any]], insert_at: int | None = None
    ) -> "Resource":
        """Each row becomes the rows that `function` yields for it."""
        return self._add(lambda rows: [new for row in rows for new in function(row)], insert_at)

    def add_limit(
        self, max_items: int | None, max_time: float | None = None, count_rows: bool = False
    ) -> "Resource":
        """Stop after `max_items` pages that hold new rows (or rows), or `max_time` seconds.

        Pages are not cut. None or -1 is no limit.
        """
        unlimited = max_items in (None, -1)
        self.limit = Limit(None if unlimited else max_items, max_time, count_rows)
        return self

    def apply_hints(
        self, *, incremental: Incremental[Any] | None = None, **hints: Any
    ) -> "Resource":
        """Change hints of the table: None keeps one, an empty value takes it back."""
        known = set(Hints.__dataclass_fields__)
        for name in hints:
            if name not in known:
                raise ConfigError(
                    f"apply_hints({name}=…) is not supported", at=f"resource '{self.name}'"
                )
        self.hints = self.hints.updated(**hints)
        self.declared = incremental or self.declared
        return self

    @property
    def table_name(self) -> str:
        """The table's name as the source gives it, not yet normalized."""
        return self.hints.table_name or self.name

    @property
    def write_disposition(self) -> Any:
        """The hint as it was given; append unless said otherwise."""
        return self.hints.write_disposition or "append"

    @property
    def max_table_nesting(self) -> int | None:
        """How deep rows are split into nested tables; the source's own value if None."""
        return self.hints.max_table_nesting

    @max_table_nesting.setter
    def max_table_nesting(self, value: int | None) -> None:
        self.hints = replace(self.hints, max_table_nesting=value)

    @property
    def incremental(self) -> Incremental[Any] | None:
        """The incremental as it is declared, and changed by what was passed in a call."""
        return self._incremental()[1]

    def root_table(self, naming: Naming) -> Table:
        """The table that the hints describe: declared columns in order, then those of the keys."""
        cursor = self.incremental
        return self.hints.table(self.name, naming, cursor.column if cursor else None)

    def pages(self) -> Generator[Any, None, None]:
        """What the user yields, after all steps: lists of rows, empty if none is left, or Arrow.

        Advance it inside `current.running` with this resource's name only. The user's generator
        is closed when this one is.
        """
        limit = self.limit or Limit(None)
        if limit.count == 0:
            return
        argument, cursor = self._incremental()
        if cursor is not None:
            cursor = cursor.bound(self.name, self.hints.primary_key, current.resource_state())
        counted, began = 0, time.monotonic()
        data = self._open({argument: cursor} if argument else {})
        try:
            for item in data:
                rows = self._stepped(item, cursor)
                yield rows
                counted += _counted(item, rows, limit)
                if limit.reached(counted, began) or (cursor is not None and cursor.can_close):
                    return
        finally:
            if inspect.isgenerator(data):
                data.close()

    def _add(self, step: Step, insert_at: int | None) -> "Resource":
        at = len(self.steps) if insert_at is None else max(insert_at - 1, 0)
        self.steps = (*self.steps[:at], step, *self.steps[at:])
        return self

    def _incremental(self) -> tuple[str | None, Incremental[Any] | None]:
        """The argument that takes the incremental, and what it is given: declared and passed."""
        if not callable(self.data):
            return None, self.declared
        signature = inspect.signature(self.data)
        passed = signature.bind_partial(*self.args, **self.kwargs).arguments
        takers = [p for p in signature.parameters.values() if _takes_cursor(p, passed)]
        if not takers:
            return None, self.declared
        if len(takers) > 1:
            names = ", ".join(f"'{taker.name}'" for taker in takers)
            raise ConfigError(
                f"resource '{self.name}' has more than one incremental: {names}",
                at=place_of(self.data),
            )
        taker = takers[0]
        default = taker.default if isinstance(taker.default, Incremental) else None
        declared = self.declared or default
        if taker.name not in passed:
            return taker.name, declared
        given = passed[taker.name]
        if given is None:
            return taker.name, None
        if not isinstance(given, Incremental):
            given = Incremental(initial_value=given)
        return taker.name, declared.merged(given) if declared else given

    def _open(self, given: Mapping[str, Any]) -> Iterator[Any]:
        data = self.data
        if callable(data):
            function = Signature(data, f"resource '{self.name}'", "<locals>" in _qualified(data))
            section = current.section() or self.section
            sections = ("sources", section, self.name)
            bound = function.filled(sections, self.args, self.kwargs, given)
            data = data(*bound.args, **bound.kwargs)
        elif inspect.isgenerator(data) and inspect.getgeneratorstate(data) == inspect.GEN_CLOSED:
            raise self._wrong("is a generator that was read already; give its function instead")
        if isinstance(data, ARROW):
            return iter([data])
        if isinstance(data, (list, tuple)):
            return iter(data) if self.limit or not _flat(data) else _slices(data)
        if isinstance(data, Iterable) and not isinstance(data, (Mapping, str, bytes, Resource)):
            return iter(data)
        raise self._wrong(
            f"gives {'None' if data is None else type(data).__name__}, not rows: it must yield, or"
            " return a list"
        )

    def _stepped(self, item: Any, cursor: Incremental[Any] | None) -> Any:
        if isinstance(item, ARROW):
            return self._arrow(item, cursor)
        if item is None:
            return []
        rows = list(item) if isinstance(item, (list, tuple)) else [item]
        if rows and _no_row(rows[0]):
            raise self._wrong(f"yields {type(item).__name__} of {type(rows[0]).__name__}, not rows")
        for step in self.steps:
            rows = step(rows)
        return cursor.page(rows) if cursor is not None and rows else rows

    def _arrow(self, table: Any, cursor: Incremental[Any] | None) -> Any:
        if cursor is not None:
            raise self._wrong("has an incremental and yields Arrow tables, which is not supported")
        rows = [table]
        for step in self.steps:
            rows = step(rows)
        return rows[0] if len(rows) == 1 else rows

    def _wrong(self, what: str) -> SourceError:
        return SourceError(f"resource '{self.name}' {what}", at=place_of(self.data))


def _qualified(function: Any) -> str:
    return str(getattr(inspect.unwrap(function), "__qualname__", ""))


def _takes_cursor(parameter: inspect.Parameter, passed: Mapping[str, Any]) -> bool:
    known = (parameter.default, passed.get(parameter.name))
    declared = plain(parameter.annotation) is Incremental
    return declared or any(isinstance(value, Incremental) for value in known)


def _no_row(item: Any) -> bool:
    return callable(item) or inspect.isawaitable(item) or isinstance(item, ARROW)


def _flat(rows: Any) -> bool:
    return not any(isinstance(row, (list, tuple, *ARROW)) or row is None for row in rows)


def _slices(rows: Any) -> Iterator[Any]:
    for start in range(0, len(rows), ROWS_OF_A_LIST):
        yield rows[start : start + ROWS_OF_A_LIST]


def _counted(item: Any, rows: Any, limit: Limit) -> int:
    """What a yield counts towards the limit: dlt counts pages that were empty, not emptied ones."""
    if limit.rows:
        return len(rows)
    return int(isinstance(rows, ARROW) or len(rows) > 0 or item == [])
