"""Reading the cursor of a row, stepping it back by a lag, and the hash that tells rows apart."""

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

import orjson

from odp_dlt.errors import ConfigError, SourceError

ABSENT: Final = object()
"""What `Cursor.read` gives for a row that lacks the field, where None is a value."""

_NAME = r"[^\s.\[\]*$'\"?@(),|&]+(?: [^\s.\[\]*$'\"?@(),|&]+)*"
_QUOTED = r"\"[^\"]+\"|'[^']+'"
_STEP = re.compile(rf"\.?(?:({_NAME}|{_QUOTED})|\[({_QUOTED})\]|\[(-?\d+|\*)\])")
_EVERY: Final = object()

_Steps = tuple[Any, ...]  # names of fields, positions in lists, _EVERY

_DIGEST_BYTES = 9
_OLD_DIGEST_BYTES = 15  # of dlt before 1.29
OLD_HASH_LENGTH: Final = 20


@dataclass(frozen=True)
class Cursor:
    """A cursor path: `field`, `'quoted field'`, `a.b`, `$.a.b`, `a[0].b`, `a[*].b`.

    Of several matches the first counts, as in dlt. Other JSONPath is refused.
    """

    path: str

    def __post_init__(self) -> None:
        _ = self.steps

    @cached_property
    def steps(self) -> _Steps:
        """The path's parts. ConfigError if it is none of those above."""
        rest = self.path.removeprefix("$")
        steps: list[Any] = []
        while rest:
            found = _STEP.match(rest)
            if found is None or (rest.startswith(".") and not steps and rest == self.path):
                raise ConfigError(
                    f"the cursor path '{self.path}' is not supported",
                    hint="Name a field, or a path such as 'a.b' or 'a[0].b'; for anything else,"
                    " put the value into a field of its own, in the resource or with add_map.",
                )
            name, bracketed, position = found.groups()
            steps.append(_position(position) if position else _unquoted(name or bracketed))
            rest = rest[found.end() :]
        if not steps:
            raise ConfigError("the cursor path is empty", hint="Name a field of the rows.")
        return tuple(steps)

    @property
    def field(self) -> str | None:
        """The name of the field, if the cursor is a plain one of the row."""
        first, *more = self.steps
        return None if more or self.path.startswith("$") or not isinstance(first, str) else first

    def read(self, row: Any) -> Any:
        """The cursor's value in `row` (a dict, or an object with such attributes), or ABSENT."""
        return _found(row, self.steps)


def _position(text: str) -> Any:
    return _EVERY if text == "*" else int(text)


def _unquoted(name: str) -> str:
    return name[1:-1] if name[0] in "'\"" else name


def _found(value: Any, steps: _Steps) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        inner = _step(value, step)
        return ABSENT if inner is ABSENT else _found(inner, rest)
    if not isinstance(value, (list, tuple)):
        return ABSENT
    if step is _EVERY:
        matches = (_found(item, rest) for item in value)
        return next((match for match in matches if match is not ABSENT), ABSENT)
    return _found(value[step], rest) if -len(value) <= step < len(value) else ABSENT


def _step(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name, ABSENT)
    return getattr(value, name, ABSENT)


def row_hash(row: Any, key: str | Sequence[str] | None, old: bool) -> str:
    """A row's hash as dlt makes it, of its `key` columns if given; `old` as dlt before 1.29.

    KeyError if the row lacks a key column.
    """
    value = row
    if key:
        value = _named(row, key) if isinstance(key, str) else [_named(row, name) for name in key]
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS
    options |= orjson.OPT_UTC_Z if old else orjson.OPT_PASSTHROUGH_DATETIME
    text = orjson.dumps(value, default=_encoded, option=options)
    digest = hashlib.shake_128(text).digest(_OLD_DIGEST_BYTES if old else _DIGEST_BYTES)
    return base64.b64encode(digest).decode().rstrip("=")


def _named(row: Any, name: str) -> Any:
    value = _step(row, name)
    if value is ABSENT:
        raise KeyError(name)
    return value


def _encoded(value: Any) -> Any:
    if isinstance(value, datetime):  # one instant in two zones is the same row
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "model_dump"):
        return value.model_dump()
    raise TypeError(f"no JSON for {type(value).__name__}")


def same_awareness(value: datetime, like: datetime) -> datetime:
    """`value` with or without a time zone, as `like` has one; a naive moment is UTC."""
    if (value.tzinfo is None) == (like.tzinfo is None):
        return value
    if like.tzinfo is None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value.replace(tzinfo=UTC).astimezone(like.tzinfo)


def lagged(value: Any, lag: float, initial: Any, rising: bool) -> Any:
    """`value` moved back by `lag`, but not beyond `initial`: days for dates, else seconds or units.

    Text must be an ISO date or moment, and comes back in the form that it had. SourceError if it
    is not, or if values of this type cannot lag.
    """
    back: Any = _moved(value, -lag if rising else lag)
    furthest: Callable[[Any, Any], Any] = max if rising else min
    return back if initial is None else furthest(back, initial)


def _moved(value: Any, by: float) -> Any:
    if isinstance(value, str):
        return _moved_text(value, by)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return value + timedelta(seconds=by)
        return (value.astimezone(UTC) + timedelta(seconds=by)).astimezone(value.tzinfo)
    if isinstance(value, date):
        return value + timedelta(days=by)
    if isinstance(value, (int, float)):
        return int(value + by) if isinstance(value, int) else value + by
    raise SourceError(f"lag is not supported for a cursor of the type {type(value).__name__}")


def _moved_text(text: str, by: float) -> str:
    try:
        if len(text) in (8, 10) and "T" not in text:
            day = date.fromisoformat(text) + timedelta(days=by)
            return day.strftime("%Y-%m-%d" if "-" in text else "%Y%m%d")
        moment = _moved(datetime.fromisoformat(text), by)
    except ValueError as e:
        raise SourceError(f"lag needs a cursor that is a date or a moment, not '{text}'") from e
    return in_form(moment, text)


def in_form(moment: datetime, text: str) -> str:
    """`moment` as ISO text written as `text` is: separator, fraction, and how UTC is said."""
    digits = re.search(r"\.(\d+)", text)
    written = moment.isoformat(text[10] if len(text) > 10 else "T", timespec="seconds")
    if digits:
        fraction = f"{moment.microsecond:06d}"[: len(digits[1])]
        written = f"{written[:19]}.{fraction}{written[19:]}"
    return written.replace("+00:00", "Z") if text.endswith("Z") else written
