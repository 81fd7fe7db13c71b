"""`dlt.sources.incremental`: only the rows that no earlier run has loaded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from odp_dlt.errors import ConfigError
from odp_dlt.extract.arrow_walk import filtered
from odp_dlt.extract.cursor import Cursor
from odp_dlt.extract.walk import Walk
from odp_dlt.extract.window import Window
from odp_dlt.settings import Settings
from odp_dlt.settings.convert import convert

T = TypeVar("T")
LastValue = Callable[[Sequence[Any]], Any]

_UNSAID = object()

_CHOICES = (
    ("on_cursor_value_missing", ("raise", "include", "exclude")),
    ("range_start", ("open", "closed")),
    ("range_end", ("open", "closed")),
    ("row_order", (None, "asc", "desc")),
)


@dataclass(eq=False)
class Incremental(Generic[T]):
    """A cursor over the rows of a resource: its declaration, and, once bound, where it stands.

    `last_value_func` gets a sequence of values and returns the one that counts as the last.
    Arguments and their meaning are dlt's. While a resource runs, `start_value` stays and
    `last_value` moves after every page. With `end_value` (a backfill) no state is kept.
    """

    cursor_path: str | None = None
    initial_value: T | None = None
    last_value_func: LastValue | Literal["max", "min"] = max
    primary_key: str | Sequence[str] | None = None
    end_value: T | None = None
    row_order: Literal["asc", "desc"] | None = None
    allow_external_schedulers: bool | None = None
    on_cursor_value_missing: Literal["raise", "include", "exclude"] = "raise"
    lag: float | None = None
    range_start: Literal["open", "closed"] = "closed"
    range_end: Literal["open", "closed"] = "open"
    start_value: T | None = field(default=None, init=False)
    resource_name: str | None = field(default=None, init=False)
    window: Window | None = field(default=None, init=False, repr=False)
    _walk: "Walk | None" = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.last_value_func, str):
            named: dict[str, LastValue] = {"max": max, "min": min}
            if self.last_value_func not in named:
                raise ConfigError(
                    f"last_value_func '{self.last_value_func}' is neither max nor min"
                )
            self.last_value_func = named[self.last_value_func]
        for name, allowed in _CHOICES:
            if getattr(self, name) not in allowed:
                known = ", ".join(repr(value) for value in allowed)
                raise ConfigError(f"{name}={getattr(self, name)!r} is none of {known}")
        if self.cursor_path is not None:
            Cursor(self.cursor_path)
        self.start_value = self.initial_value

    @property
    def last_value(self) -> T | None:
        """What the next run would start from; before the first page what this one starts from."""
        return self.start_value if self._walk is None else self._walk.last_value

    @property
    def start_out_of_range(self) -> bool:
        """Whether a row came that lies before the start, or that an earlier run has loaded."""
        return self._walk is not None and self._walk.before_start

    @property
    def end_out_of_range(self) -> bool:
        """Whether a row came that lies beyond `end_value`."""
        return self._walk is not None and self._walk.beyond_end

    @property
    def can_close(self) -> bool:
        """Whether no later row can be new, since rows come in `row_order`."""
        if self.row_order == "asc":
            return self.end_out_of_range
        return self.row_order == "desc" and self.start_out_of_range

    @property
    def column(self) -> str | None:
        """The column that the cursor is, if it is a plain field of the row."""
        return None if self.cursor_path is None else Cursor(self.cursor_path).field

    def merged(self, other: "Incremental[Any]") -> "Incremental[Any]":
        """This declaration, but with all that `other` says other than the defaults."""
        said = {
            each.name: getattr(other, each.name)
            for each in fields(Incremental)
            if each.init and getattr(other, each.name) != each.default
        }
        return replace(self, **said)

    def bound(
        self,
        resource: str,
        key: str | Sequence[str] | None,
        state: dict[str, Any],
        window: Window | None = None,
    ) -> "Incremental[T]":
        """A copy that starts where `state`, the resource's own, says, and keeps it up to date.

        `key` is the resource's primary key, used unless this has its own. A `window` is the range,
        as a backfill's, unless this has an `end_value`. ConfigError if there is no cursor path, or
        if the range is none.
        """
        copy = replace(self, primary_key=key if self.primary_key is None else self.primary_key)
        if window is not None and copy.end_value is None:
            copy = copy._within(window, resource)
        copy.resource_name = resource
        copy._check(resource)
        cursors = {} if copy.end_value is not None else state.setdefault("incremental", {})
        first = copy.initial_value
        fresh: dict[str, Any] = {"initial_value": first, "last_value": first, "unique_hashes": []}
        own = cursors.setdefault(copy.cursor_path, {**fresh, "start_value": first})
        copy._walk = Walk(copy, resource, own)
        copy.start_value = copy._walk.start
        return copy

    def from_settings(
        self, settings: Settings, sections: Sequence[str], argument: str
    ) -> "Incremental[T]":
        """A copy with what the settings say under the argument's name: `<argument>.initial_value`.

        With `allow_external_schedulers`, the interval that a scheduler put into the environment as
        DLT_INTERVAL_START and DLT_INTERVAL_END is the range, before all else.
        """
        said = {}
        for name, hint in self._settable().items():
            found = settings.resolve(
                f"{argument}.{name}", sections=sections, hint=hint, secret=False, default=_UNSAID
            )
            if found is not _UNSAID:
                said[name] = found
        if self.allow_external_schedulers:
            said.update(_interval(settings, type(self.initial_value)))
        return replace(self, **said) if said else self

    def _within(self, window: Window, resource: str) -> "Incremental[T]":
        """A copy whose range is `window`: its start is in it, its end is not."""
        at = f"incremental of resource '{resource}'"
        try:
            start, end = window.as_type_of(self.initial_value)
        except ValueError as e:
            raise ConfigError(
                f"the run's window cannot be the range of the cursor '{self.cursor_path}': {e}",
                at=at,
                hint="Give it an initial_value in the form that the rows have, or leave the window "
                "to the source: `run_params: {window: ignore}`.",
            ) from e
        last: Any = self.last_value_func
        furthest = last((start, end))
        if furthest not in (start, end):
            raise ConfigError("last_value_func gives neither end of the run's window", at=at)
        falls = furthest == start
        first, until = (end, start) if falls else (start, end)
        copy = replace(
            self,
            initial_value=first,
            end_value=until,
            range_start="open" if falls else "closed",
            range_end="closed" if falls else "open",
        )
        copy.window = window
        return copy

    def _settable(self) -> dict[str, Any]:
        kind = Any if self.initial_value is None else type(self.initial_value)
        values = {"initial_value": kind, "end_value": kind, "lag": float}
        return {**values, **{name: str for name, _ in _CHOICES}}

    def page(self, rows: list[Any]) -> list[Any]:
        """Those of `rows` that are new, in their order; moves `last_value`. Only once bound."""
        return self._bound_walk.page(rows)

    def arrow(self, table: Any) -> Any:
        """Those rows of an Arrow table or record batch that are new, column by column."""
        return filtered(self._bound_walk, table)

    @property
    def _bound_walk(self) -> Walk:
        if self._walk is None:
            raise ConfigError(f"the incremental over '{self.cursor_path}' belongs to no resource")
        return self._walk

    def _check(self, resource: str) -> None:
        at = f"incremental of resource '{resource}'"
        if self.cursor_path is None:
            raise ConfigError("there is no cursor path", at=at)
        if self.end_value is None:
            return
        if self.initial_value is None:
            raise ConfigError("end_value needs an initial_value", at=at)
        try:
            last: Any = self.last_value_func
            ordered = last((self.end_value, self.initial_value)) == self.end_value
        except TypeError as e:
            raise ConfigError(f"initial_value and end_value do not compare: {e}", at=at) from e
        if not ordered:
            raise ConfigError(
                f"initial_value {self.initial_value!r} lies beyond end_value {self.end_value!r}",
                at=at,
            )


def _interval(settings: Settings, kind: type) -> dict[str, Any]:
    """The range that a scheduler asks for, as values of the cursor's type."""
    said = {"initial_value": "DLT_INTERVAL_START", "end_value": "DLT_INTERVAL_END"}
    found = {name: settings.environ.get(variable) for name, variable in said.items()}
    if found["initial_value"] is None:
        return {}
    return {
        name: convert(text, kind if kind is not type(None) else datetime)
        for name, text in found.items()
        if text is not None
    }
