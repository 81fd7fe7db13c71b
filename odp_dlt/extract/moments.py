"""Dates and moments from whatever an API or a person writes; of the pendulum library's classes."""

from datetime import UTC, date, datetime, time
from types import ModuleType
from typing import Any

from odp_dlt.settings.credentials import library


def pendulum() -> ModuleType:
    """The library pendulum. ConfigError if it is not installed."""
    found: ModuleType = library("pendulum", "pendulum")
    return found


def ensure_datetime(value: Any) -> datetime:
    """`value` (a moment, a day, ISO text, seconds since 1970) as a moment; UTC if it has no zone.

    ValueError for text that is none, TypeError for anything else.
    """
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError(f"a {type(value).__name__} is no moment")
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            found = parse_iso_like_datetime(value)
            if isinstance(found, time):
                raise ValueError(f"'{value}' is a time of day, not a moment") from None
            return ensure_datetime(found)
    return datetime.fromtimestamp(value, UTC)


def ensure_date(value: Any) -> date:
    """`value` as a day, in UTC."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return ensure_datetime(value).astimezone(UTC).date()


def ensure_pendulum_datetime(value: Any) -> Any:
    """`value` as pendulum's moment, in UTC."""
    at = ensure_datetime(value).astimezone(UTC)
    return pendulum().datetime(*at.timetuple()[:6], at.microsecond, tz="UTC")


def ensure_pendulum_date(value: Any) -> Any:
    """`value` as pendulum's day, in UTC."""
    day = ensure_date(value)
    return pendulum().date(day.year, day.month, day.day)


def parse_iso_like_datetime(value: str) -> Any:
    """ISO text as pendulum's moment, day or time, whichever it is. ValueError if it is none."""
    found = pendulum().parse(value, exact=True, tz=None, strict=False)
    if not isinstance(found, (date, time)):
        raise ValueError(f"'{value}' is no moment, day or time")
    return found
