"""One run's way over the pages of a resource, along the cursor of an incremental."""

import logging
from collections.abc import Sequence
from datetime import datetime
from itertools import compress
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any

from odp_dlt.errors import SourceError
from odp_dlt.extract.cursor import (
    ABSENT,
    OLD_HASH_LENGTH,
    Cursor,
    lagged,
    row_hash,
    same_awareness,
)

if TYPE_CHECKING:
    from odp_dlt.extract.incremental import Incremental

logger = logging.getLogger(__name__)


class Walk:
    """One run's way over the pages of a resource, along the cursor of `spec`."""

    def __init__(self, spec: "Incremental[Any]", resource: str, state: dict[str, Any]) -> None:
        self.spec = spec
        self.resource = resource
        self.state = state
        self.func: Any = spec.last_value_func
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
            raise self.error(f"values do not compare: {e}") from e
        self.page_done(any_kept=any(mask))
        return list(compress(rows, mask))

    def page_done(self, *, any_kept: bool) -> None:
        """Note in the state how far it went."""
        self.moved = True
        self.state["last_value"] = self.last
        if any_kept:
            self.state["start_value"] = self.first_last

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
        self.follow(values[0])
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
        self.begin_hashes(moved=moved)
        if not self.dedup:
            return
        last = self.last
        if self.func not in (max, min):
            values = [self.func((value,)) for value in values]
        here = [at for at, value in enumerate(values) if value == last and mask[at]]
        self.add_hashes([rows[at] for at in here])

    def begin_hashes(self, *, moved: bool) -> None:
        """Forget the hashes of a last value that is not the last any more."""
        if moved or not self.dedup:
            self.known, self.known_old = set(), False
            self.state["unique_hashes"] = []

    def add_hashes(self, rows: Sequence[Any]) -> None:
        for row in rows:
            found = self._hash(row, self.known_old)
            if found not in self.known:
                self.known.add(found)
                self.state["unique_hashes"].append(found)

    def is_loaded(self, row: Any) -> bool:
        """Whether an earlier run loaded `row`, which stands at the start value."""
        return self._hash(row, self.loaded_old) in self.loaded

    def _hash(self, row: Any, old: bool) -> str:
        try:
            return row_hash(row, self.spec.primary_key, old)
        except KeyError as e:
            raise self.error(f"a row lacks the primary key column {e}") from e

    def follow(self, value: Any) -> None:
        """Take on whether the cursor's moments have a time zone, from the first one that comes.

        And of a window also how the rows write moments: text compares only in one form.
        """
        if self.moved:
            return
        if isinstance(value, str | int | float):
            self._follow_form(value)
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

    def _follow_form(self, value: Any) -> None:
        window = self.spec.window
        if window is None or not isinstance(self.start, str | int | float):
            return
        if isinstance(value, str) != isinstance(self.start, str):
            return  # they do not compare, as will be told
        try:
            first, until = window.as_type_of(value)
        except ValueError as e:
            if not isinstance(value, str):
                return  # such as 0, which can be of any unit
            raise self.error(f"the rows cannot be held against the run's window: {e}") from e
        falls = self.spec.range_end == "closed"
        self.start, self.end = (until, first) if falls else (first, until)
        self.last = self.first_last = self.start

    def _lacking(self, row: Any, value: Any) -> SourceError:
        found = "is None" if value is None else "is missing"
        names = list(row) if isinstance(row, dict) else type(row).__name__
        return self.error(
            f"the cursor {found} in a row; the row has: {names}",
            "Give on_cursor_value_missing='include' or 'exclude' if that is to be expected.",
        )

    def error(self, message: str, hint: str | None = None) -> SourceError:
        where = f"resource '{self.resource}', cursor '{self.cursor.path}'"
        return SourceError(message, at=where, hint=hint)
