"""A resource: a named stream of rows with hints for its table, or a transformer of another's."""

import inspect
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from odp_dlt.errors import ConfigError
from odp_dlt.extract import current
from odp_dlt.extract.current import Running
from odp_dlt.extract.flow import Limit
from odp_dlt.extract.hints import Hints
from odp_dlt.extract.incremental import Incremental
from odp_dlt.extract.inject import place_of
from odp_dlt.extract.streams import rows_of
from odp_dlt.registry import nearest
from odp_dlt.schema.model import Table
from odp_dlt.schema.naming import Naming
from odp_dlt.settings.convert import plain

logger = logging.getLogger(__name__)

Step = Callable[[list[Any]], list[Any]]


@dataclass(eq=False)
class Resource:
    """A stream of rows: `data` is a function that yields pages, or the rows themselves.

    With `name_from`, the name is made of the function's arguments when they are bound.

    Of a transformer it is a function whose first argument is what `parent` yields. As in dlt,
    `add_…`, `apply_hints`, `bind` and `|` change the resource and return it; a call and `with_name`
    give a new one.
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
    is_transformer: bool = False
    parent: "Resource | None" = field(default=None, repr=False)
    parallelized: bool = False
    name_from: Callable[[dict[str, Any]], str] | None = field(default=None, repr=False)

    def __call__(self, *args: Any, **kwargs: Any) -> "Resource":
        """A new resource with the arguments of its function bound."""
        return replace(self).bind(*args, **kwargs)

    def __iter__(self) -> Iterator[Any]:
        """Row by row, as in a run; outside of a run with a state that is then forgotten."""
        running = current.now() or Running(current.settings())
        running = replace(running, source_name=running.source_name or self.name)
        yield from rows_of([self], running)

    def __or__(self, then: Any) -> "Resource":
        """`then`, a transformer, fed by this resource; or this one, mapped by a function."""
        if isinstance(then, Resource):
            return then.pipe_data_from(self)
        if inspect.isgeneratorfunction(then):
            return self.add_yield_map(then)
        if callable(then):
            return self.add_map(then)
        raise ConfigError(
            f"resource '{self.name}' cannot be piped into a {type(then).__name__}",
            hint="Pipe it into a transformer or a function.",
        )

    def __ror__(self, rows: Iterable[Any]) -> "Resource":
        """This transformer, fed with `rows`."""
        return self.pipe_data_from(Resource(f"{self.name}_input", rows))

    def pipe_data_from(self, parent: "Resource") -> "Resource":
        """Feed this transformer with what `parent` yields. ConfigError if this is none."""
        if not self.is_transformer:
            raise ConfigError(
                f"'{self.name}' is no transformer, so '{parent.name}' cannot be piped into it",
                hint="Decorate its function with @dlt.transformer.",
            )
        self.parent = parent
        return self

    def bind(self, *args: Any, **kwargs: Any) -> "Resource":
        """Fix the arguments of the function. ConfigError if it does not take them."""
        if not callable(self.data):
            raise ConfigError(
                f"resource '{self.name}' has rows, not a function: it takes no arguments"
            )
        if self.args_bound:
            raise ConfigError(f"the arguments of resource '{self.name}' are bound already")
        try:
            bound = inspect.signature(self.data).bind_partial(*self._first, *args, **kwargs)
        except TypeError as e:
            raise ConfigError(f"resource '{self.name}': {e}", at=place_of(self.data)) from e
        self.args, self.kwargs, self.args_bound = args, kwargs, True
        if self.name_from is not None:
            bound.apply_defaults()
            self.name = self.name_from(bound.arguments)
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

        Pages are not cut. None or -1 is no limit. A transformer has none, as in dlt: limit its
        parent.
        """
        if self.is_transformer:
            logger.warning("'%s' is a transformer and not limited; limit its parent", self.name)
            return self
        unlimited = max_items in (None, -1)
        self.limit = Limit(None if unlimited else max_items, max_time, count_rows)
        return self

    def apply_hints(
        self, *, incremental: Incremental[Any] | None = None, **hints: Any
    ) -> "Resource":
        """Change hints of the table: None keeps one, an empty value takes it back."""
        for name in hints:
            if name not in Hints.__dataclass_fields__:
                raise ConfigError(
                    f"there is no hint '{name}'",
                    at=f"resource '{self.name}'",
                    hint=nearest(name, Hints.__dataclass_fields__),
                )
        self.hints = self.hints.updated(**hints)
        self.declared = incremental or self.declared
        return self

    def parallelize(self) -> "Resource":
        """Run beside other resources, in a thread; its own pages stay in order."""
        self.parallelized = True
        return self

    def clone(self) -> "Resource":
        """A new resource like this one."""
        return replace(self)

    @property
    def table_name(self) -> Any:
        """The table's name as the source gives it, not yet normalized, or a function of the row."""
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
        return next(iter(self.cursors().values()), None)

    @property
    def has_dynamic_table_name(self) -> bool:
        """Whether the table is a function of the row, so that no table is known before the rows."""
        return callable(self.hints.table_name)

    def root_table(self, naming: Naming, hints: Hints | None = None) -> Table:
        """The table that the hints describe: declared columns in order, then those of the keys.

        `hints` are a page's own, if its hints are not the resource's.
        """
        columns = [cursor.column for cursor in self.cursors().values() if cursor]
        return (hints or self.hints).table(self.name, naming, [name for name in columns if name])

    def _add(self, step: Step, insert_at: int | None) -> "Resource":
        at = len(self.steps) if insert_at is None else max(insert_at - 1, 0)
        self.steps = (*self.steps[:at], step, *self.steps[at:])
        return self

    def cursors(self) -> dict[str, Incremental[Any] | None]:
        """The incrementals by the argument that takes them, "" for one without: declared in
        `incremental=`, as a default, or passed; what is passed wins, part by part.
        """
        signature = inspect.signature(self.data) if callable(self.data) else inspect.Signature()
        passed = signature.bind_partial(*self._first, *self.args, **self.kwargs).arguments
        takers = [p for p in signature.parameters.values() if _takes_cursor(p, passed)]
        if not takers:
            return {"": self.declared} if self.declared else {}
        found = {}
        for taker in takers:
            default = taker.default if isinstance(taker.default, Incremental) else None
            declared = self.declared or default if taker is takers[0] else default
            found[taker.name] = _given(declared, passed, taker.name)
        return found

    @property
    def _first(self) -> tuple[None, ...]:
        """What stands for the item that a transformer is called with."""
        return (None,) if self.is_transformer else ()


def _takes_cursor(parameter: inspect.Parameter, passed: Mapping[str, Any]) -> bool:
    known = (parameter.default, passed.get(parameter.name))
    declared = plain(parameter.annotation) is Incremental
    return declared or any(isinstance(value, Incremental) for value in known)


def _given(
    declared: Incremental[Any] | None, passed: Mapping[str, Any], name: str
) -> Incremental[Any] | None:
    if name not in passed:
        return declared
    given = passed[name]
    if given is None:
        return None
    if not isinstance(given, Incremental):
        given = Incremental(initial_value=given)
    return declared.merged(given) if declared else given
