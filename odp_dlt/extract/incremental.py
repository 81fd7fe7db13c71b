"""`dlt.sources.incremental`: only the rows that no earlier run has loaded."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from itertools import compress
from operator import ge, gt, le, lt
from typing import Any, Generic, Literal, TypeVar

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.extract.cursor import (
    ABSENT,
    OLD_HASH_LENGTH,
    Cursor,
    lagged,
    row_hash,
    same_awareness,
)

logger = logging.getLogger(__name__)

T = TypeVar("T")
LastValue = Callable[[Sequence[Any]], Any]

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
    _walk: "_Walk | None" = field(default=None, init=False, repr=False)

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
        if self.allow_external_schedulers:
            raise ConfigError("allow_external_schedulers=True is not supported")
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
        self, resource: str, key: str | Sequence[str] | None, state: dict[str, Any]
    ) -> "Incremental[T]":
        """A copy that starts where `state`, the resource's own, says, and keeps it up to date.

        `key` is the resource's primary key, used unless this has its own. ConfigError if there is
        no cursor path, or if the range is none.
        """
        copy = replace(self, primary_key=key if self.primary_key is None else self.primary_key)
        copy.resource_name = resource
        copy._check(resource)
        cursors = {} if copy.end_value is not None else state.setdefault("incremental", {})
        first = copy.initial_value
        fresh: dict[str, Any] = {"initial_value": first, "last_value": first, "unique_hashes": []}
        own = cursors.setdefault(copy.cursor_path, {**fresh, "start_value": first})
        copy._walk = _Walk(copy, resource, own)
        copy.start_value = copy._walk.start
        return copy

    def page(self, rows: list[Any]) -> list[Any]:
        """Those of `rows` that are new, in their order; moves `last_value`. Only once bound."""
        if self._walk is None:
            raise ConfigError(f"the incremental over '{self.cursor_path}' belongs to no resource")
        return self._walk.page(rows)

    def _check(self, resource: str) -> None:
        at = f"incremental of resource '{resource}'"
        if self.cursor_path is None:
            raise ConfigError("there is no cursor path", at=at)
        if self.end_value is None:
            return
        if self.initial_value is None:
            raise ConfigError("end_value needs an initial_value", at=at)
        try:
            ordered = _last(self)((self.end_value, self.initial_value)) == self.end_value
        except TypeError as e:
            raise ConfigError(f"initial_value and end_value do not compare: {e}", at=at) from e
        if not ordered:
            raise ConfigError(
                f"initial_value {self.initial_value!r} lies beyond end_value {self.end_value!r}",
                at=at,
            )


def _last(spec: Incremental[Any]) -> LastValue:
    return spec.last_value_func  # type: ignore[return-value]  # text was replaced on creation


class _Walk:
    """One run's way over the pages of a resource, along the cursor of `spec`."""

    def __init__(self, spec: Incremental[Any], resource: str, state: dict[str, Any]) -> None:
        self.spec = spec
        self.resource = resource
        self.state = state
        self.func = _last(spec)
        self.cursor = Cursor(spec.cursor_path or "")
        self.end: Any = spec.end_value
        self.before_start = False
        self.beyond_end = False
        self.moved = False
        self.last: Any = state["last_value"]
        self.first_last: Any = self.last
        lags = bool(spec.lag) and self.end is None and self.func in (max, min)
        self.start: Any = self.last
        if lags and self.last is not None:
            self.start = lagged(self.last, spec.lag or 0, spec.initial_value, self.func is max)
        no_key = spec.primary_key is not None and len(spec.primary_key) == 0
        open_start = spec.range_start == "open"
        self.dedup = not (open_start or self.end is not None or lags or no_key)
        self.known = set(state["unique_hashes"])
        self.loaded = frozenset(self.known)
        self.loaded_old = self.known_old = any(len(h) == OLD_HASH_LENGTH for h in self.known)

    @property
    def last_value(self) -> Any:
        return self.last if self.moved else self.start

    def page(self, rows: list[Any]) -> list[Any]:
        values = self._values(rows)
        there = [value is not None for value in values]
        try:
            if all(there):
                mask = self._new(values, rows)
            else:
                flags = iter(self._new(list(compress(values, there)), list(compress(rows, there))))
                loose = self.spec.on_cursor_value_missing == "include"
                mask = [next(flags) if present else loose for present in there]
        except TypeError as e:
            raise self._error(f"values do not compare: {e}") from e
        self.moved = True
        self.state["last_value"] = self.last
        if any(mask):
            self.state["start_value"] = self.first_last
        return list(compress(rows, mask))

    def _values(self, rows: list[Any]) -> list[Any]:
        name = self.cursor.field
        try:
            values = [row[name] for row in rows]
        except (KeyError, TypeError, IndexError):
            values = [self.cursor.read(row) for row in rows]
        if self.spec.on_cursor_value_missing != "raise":
            return [None if value is ABSENT else value for value in values]
        for row, value in zip(rows, values, strict=True):
            if value is None or value is ABSENT:
                raise self._lacking(row, value)
        return values

    def _new(self, values: list[Any], rows: list[Any]) -> list[bool]:
        """For each row whether it is new."""
        if not values:
            return []
        if not self.moved:
            self._follow_awareness(values[0])
        before = self.last
        if self.func in (max, min):
            mask = self._in_range(values)
            if self.dedup:
                self._drop_loaded(values, rows, mask)
            kept = list(compress(values, mask))
            if kept:
                here = self.func(kept)
                self.last = here if before is None else self.func((here, before))
        else:
            mask = self._in_custom_range(values, rows)
        self._remember(values, rows, mask, moved=before is None or self.last != before)
        return mask

    def _in_range(self, values: list[Any]) -> list[bool]:
        after, beyond = (ge, le) if self.func is max else (le, ge)
        if self.spec.range_start == "open":
            after = gt if self.func is max else lt
        if self.spec.range_end == "open":
            beyond = lt if self.func is max else gt
        mask = [True] * len(values)
        if self.end is not None:
            mask = [beyond(value, self.end) for value in values]
            self.beyond_end |= not all(mask)
        if self.start is not None:
            begun = [after(value, self.start) for value in values]
            self.before_start |= not all(begun)
            mask = [a and b for a, b in zip(mask, begun, strict=True)]
        return mask

    def _in_custom_range(self, values: list[Any], rows: list[Any]) -> list[bool]:
        # row by row: only the function itself knows how its values follow each other
        mask = []
        for value, row in zip(values, rows, strict=True):
            ok = self._before_end(value) and self._after_start(value, row)
            mask.append(ok)
            if ok:
                self.last = self.func((value,) if self.last is None else (value, self.last))
        return mask

    def _before_end(self, value: Any) -> bool:
        if self.end is None:
            return True
        inside = bool(self.func((value, self.end)) == self.end)
        if inside and self.spec.range_end == "open":
            inside = self.func((value,)) != self.end
        self.beyond_end |= not inside
        return inside

    def _after_start(self, value: Any, row: Any) -> bool:
        if self.start is None or self.func((value, self.start)) != self.start:
            return True
        inside = self.func((value,)) == self.start and self.spec.range_start == "closed"
        if inside and self.dedup and self.loaded:
            inside = self._hash(row, self.loaded_old) not in self.loaded
        self.before_start |= not inside
        return inside

    def _drop_loaded(self, values: list[Any], rows: list[Any], mask: list[bool]) -> None:
        if not self.loaded:
            return
        for at in [at for at, value in enumerate(values) if value == self.start]:
            if mask[at] and self._hash(rows[at], self.loaded_old) in self.loaded:
                mask[at] = False
                self.before_start = True

    def _remember(
        self, values: list[Any], rows: list[Any], mask: list[bool], *, moved: bool
    ) -> None:
        """Keep hashes of the rows at the last value: the next run meets them again.

        They are added one by one to the list in the state; writing it anew for each page would
        take time quadratic in the rows that share one value.
        """
        if not self.dedup:
            self.state["unique_hashes"] = []
            return
        if moved:
            self.known, self.known_old = set(), False
            self.state["unique_hashes"] = []
        last = self.last
        if self.func not in (max, min):
            values = [self.func((value,)) for value in values]
        for at in [at for at, value in enumerate(values) if value == last and mask[at]]:
            found = self._hash(rows[at], self.known_old)
            if found not in self.known:
                self.known.add(found)
                self.state["unique_hashes"].append(found)

    def _hash(self, row: Any, old: bool) -> str:
        try:
            return row_hash(row, self.spec.primary_key, old)
        except KeyError as e:
            raise self._error(f"a row lacks the primary key column {e}") from e

    def _follow_awareness(self, value: Any) -> None:
        if not isinstance(value, datetime):
            return
        for name in ("start", "last", "end"):
            own = getattr(self, name)
            if isinstance(own, datetime) and (own.tzinfo is None) != (value.tzinfo is None):
                setattr(self, name, same_awareness(own, value))
                logger.warning(
                    "resource '%s': the %s value %s and the rows' cursor '%s' differ in having a"
                    " time zone; a moment without one is read as UTC",
                    *(self.resource, name, own, self.cursor.path),
                )

    def _lacking(self, row: Any, value: Any) -> SourceError:
        found = "is None" if value is None else "is missing"
        names = list(row) if isinstance(row, dict) else type(row).__name__
        return self._error(
            f"the cursor {found} in a row; the row has: {names}",
            "Give on_cursor_value_missing='include' or 'exclude' if that is to be expected.",
        )

    def _error(self, message: str, hint: str | None = None) -> SourceError:
        where = f"resource '{self.resource}', cursor '{self.cursor.path}'"
        return SourceError(message, at=where, hint=hint)
