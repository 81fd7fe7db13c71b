"""A window of time that a run is for, as values of the type that a cursor has."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from odp_dlt.errors import ConfigError
from odp_dlt.extract.cursor import in_form

_UNITS = ((1e8, 1), (1e11, 1_000), (1e14, 1_000_000), (1e17, 1_000_000_000))
"""From which number on an epoch has so many units a second: each is the year 1973."""

_MOST = 1e19
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = re.compile(r"\d{4}-\d\d-\d\d|\d{8}")


@dataclass(frozen=True)
class Window:
    """From `start`, which is in it, to `end`, which is not. Both have a time zone."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ConfigError("the ends of a window need a time zone")
        if self.start >= self.end:
            raise ConfigError(f"the window from {self.start} to {self.end} is empty")

    def as_type_of(self, like: Any) -> tuple[Any, Any]:
        """Start and end as values like `like`, a cursor's value.

        Moments without a zone are UTC; days are those of the window's own zone; text keeps its
        form; numbers are an epoch in the unit that `like` must be in. ValueError, which says why,
        if that cannot be known, or if the window is not one of whole days where days are asked for.
        """
        make = _maker(like)
        return make(self.start), make(self.end)


def _maker(like: Any) -> Callable[[datetime], Any]:
    """The function that makes of a moment a value like `like`."""
    if isinstance(like, datetime):
        return lambda moment: _moment(moment, like)
    if isinstance(like, date):
        return lambda moment: _like_day(moment, like)
    if isinstance(like, str):
        return _text_maker(like)
    if isinstance(like, int | float) and not isinstance(like, bool):
        units = _units(like)
        return lambda moment: _epoch(moment, units, type(like))
    if like is None:
        raise ValueError("without an initial_value its type is not known")
    raise ValueError(f"{like!r} is no moment, no day, no ISO text and no epoch")


def _moment(moment: datetime, like: datetime) -> datetime:
    own = moment.astimezone(UTC if like.tzinfo is None else like.tzinfo)
    parts = (*own.timetuple()[:6], own.microsecond)
    if type(like) is datetime:
        return own.replace(tzinfo=like.tzinfo)
    return type(like)(*parts, tzinfo=like.tzinfo)  # such as pendulum's, whose methods are used


def _like_day(moment: datetime, like: date) -> date:
    found = _day(moment)
    return type(like)(found.year, found.month, found.day)


def _day(moment: datetime) -> date:
    if (moment.hour, moment.minute, moment.second, moment.microsecond) != (0, 0, 0, 0):
        raise ValueError(
            f"its values are days, and the window's edge {moment.isoformat()} lies within a day"
        )
    return moment.date()


def _text_maker(like: str) -> Callable[[datetime], str]:
    if _DAY.fullmatch(like):
        form = "%Y-%m-%d" if "-" in like else "%Y%m%d"
        return lambda moment: _day(moment).strftime(form)
    try:
        known = datetime.fromisoformat(like)
    except ValueError:
        known = None
    if known is None or len(like) <= 10 or in_form(known, like) != like:
        raise ValueError(
            f"'{like}' is not the text of a moment, to the second, or of a day in ISO form"
        )
    return lambda moment: in_form(_moment(moment, known), like)


def _units(like: float) -> int:
    found = [units for least, units in _UNITS if least <= abs(like) < _MOST]
    if not found:
        raise ValueError(
            f"{like!r} does not tell whether it counts seconds, milliseconds, microseconds or "
            "nanoseconds since 1970"
        )
    return found[-1]


def _epoch(moment: datetime, units: int, kind: type) -> Any:
    micros = (moment - _EPOCH) // timedelta(microseconds=1)
    if kind is int:
        return micros * units // 1_000_000
    return kind(micros * units / 1_000_000)
