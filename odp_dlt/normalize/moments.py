"""Text that is a date, a time of day or a moment, by the grammar that dlt reads.

That is ISO 8601 in its extended and its basic form, and a looser one with slashes and colons. All
of it was measured on dlt 1.31: it decides whether a column of text becomes one of timestamps, so
what is close to it but not in it has to be refused.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone

_OFFSET = r"(?P<zone>Z|[+-]\d{2}:?(?:\d{2})?)?"
_FRACTION = r"(?:[.,](?P<fraction>\d+))?"
_DAY = {
    "-": r"(?P<year>\d{4})-(?:(?P<month>\d{2})(?:-(?P<day>\d{2}))?|(?P<ordinal>\d{3})"
    r"|W(?P<week>\d{2})(?:-(?P<weekday>\d))?)",
    "": r"(?P<year>\d{4})(?:(?P<month>\d{2})(?P<day>\d{2})|(?P<ordinal>\d{3})"
    r"|W(?P<week>\d{2})(?P<weekday>\d)?)",
}
_CLOCK = {
    "-": rf"(?P<hour>\d{{2}})(?::(?P<minute>\d{{2}})(?::(?P<second>\d{{2}}){_FRACTION})?)?",
    "": r"(?P<hour>\d{2})(?::(?P<minute_>\d{2})"
    rf"|(?P<minute>\d{{2}})(?:(?P<second>\d{{2}}){_FRACTION})?)?",
}
_FORMS = tuple(
    re.compile(form, re.ASCII)
    for form in (
        rf"{_DAY['-']}(?:[T ]{_CLOCK['-']}{_OFFSET})?",
        rf"{_DAY['']}(?:[T ]{_CLOCK['']}{_OFFSET})?",
        rf"T{_CLOCK['']}{_OFFSET}",
        rf"(?P<hour>\d{{2}}):(?P<minute>\d{{2}})(?::(?P<second>\d{{2}}){_FRACTION})?{_OFFSET}",
        r"(?:(?P<year>\d{4})(?:[/:]?(?P<month>\d{2})[/:]?(?P<day>\d{2}))?)?"
        r"(?: ?(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2}))?"
        r"(?:[.,|](?P<fraction>\d{1,9}))?)?",
    )
)


def parsed(text: str) -> datetime | date | time | None:
    """The moment that `text` says, with the zone that it says; None if it says none."""
    for form in _FORMS:
        match = form.fullmatch(text)
        if match and text:
            try:
                return _built(match.groupdict())
            except (ValueError, OverflowError):
                continue  # a month 13 may be the start of another form
    return None


def is_timestamp(text: str) -> bool:
    """Whether dlt would type a column by this, its first value, as timestamp."""
    found = parsed(text)
    if not isinstance(found, datetime):
        return False
    try:
        return bool(found.tzinfo is None or found.astimezone(UTC))
    except OverflowError:  # in UTC it is in the year 0 or 10000
        return False


def _built(said: dict[str, str | None]) -> datetime | date | time:
    day = _day(said) if said.get("year") else None
    if said.get("hour") is None:
        if day is None:
            raise ValueError
        return day
    clock = time(
        int(said["hour"] or 0),
        int(said.get("minute") or said.get("minute_") or 0),
        int(said.get("second") or 0),
        int((said.get("fraction") or "")[:6].ljust(6, "0")),
        _zone(said.get("zone")),
    )
    return clock if day is None else datetime.combine(day, clock)


def _day(said: dict[str, str | None]) -> date:
    year = int(said["year"] or 0)
    if said.get("week"):
        return _day_of_week(year, int(said["week"] or 0), int(said.get("weekday") or 1))
    if said.get("ordinal"):
        day = date(year, 1, 1) + timedelta(int(said["ordinal"] or 0) - 1)
        if day.year != year:
            raise ValueError
        return day
    return date(year, int(said.get("month") or 1), int(said.get("day") or 1))


def _day_of_week(year: int, week: int, weekday: int) -> date:
    """Week 0 and weekday 0 are the ones before the first, as dlt has it."""
    if weekday > 7:
        raise ValueError
    if week:
        date.fromisocalendar(year, week, 1)  # not every year has a week 53
    return date.fromisocalendar(year, 1, 1) + timedelta(weeks=week - 1, days=weekday - 1)


def _zone(said: str | None) -> timezone | None:
    if said is None or said == "Z":
        return UTC if said else None
    digits = said[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-offset if said[0] == "-" else offset)
