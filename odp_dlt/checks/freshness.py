"""`type: freshness`: the newest moment in a column is not too old."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import Field

from odp_dlt.checks.base import Check, Number, Subject, Verdict, must_have
from odp_dlt.destinations.statements import quoted
from odp_dlt.errors import ConfigError
from odp_dlt.workflow.durations import Duration


class Freshness(Check):
    """The greatest value of `column` is at most `max_age` old.

    The column holds moments, or dates, which begin at midnight; those without a zone are in UTC.
    """

    column: str = Field(min_length=1)
    max_age: Duration

    @property
    def promise(self) -> str:
        return f"{self.column}: at most {_span(self.max_age)} old"

    def columns_named(self) -> Sequence[str]:
        return [self.column]

    def judge(self, subject: Subject) -> Verdict:
        view = subject.view
        if view is None or not view.exists:
            return Verdict(False, "there is no table yet, so nothing is fresh")
        must_have(view, [self.column])
        (newest,) = subject.row(f"SELECT max({quoted(self.column)}) AS newest FROM {view.name}")
        if newest is None:
            return Verdict(False, f"no row has a value in {self.column}")
        moment = _moment(newest, self.column)
        age = datetime.now(UTC) - moment
        numbers: dict[str, Number] = {
            "newest": moment.isoformat(),
            "age_s": round(age.total_seconds(), 1),
        }
        passed = age <= self.max_age
        allowed = "" if passed else f", more than {_span(self.max_age)}"
        return Verdict(passed, f"the newest is {_span(age)} old{allowed}", numbers)


def _moment(value: Any, column: str) -> datetime:
    """`value` with its zone. ConfigError if it is no moment."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)
        moment: datetime = value.replace(tzinfo=value.tzinfo or UTC)
    except (ValueError, AttributeError, TypeError) as e:
        raise ConfigError(
            f"the column '{column}' holds no moments: {str(value)[:40]!r}",
            hint="Name a column of timestamps or dates.",
        ) from e
    return moment


def _span(span: timedelta) -> str:
    """`span` in its greatest fitting unit: `36h`, `2.5d`."""
    seconds = span.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if abs(seconds) >= 2 * size:
            return f"{seconds / size:.3g}{unit}"
    return f"{seconds:.3g}s"
