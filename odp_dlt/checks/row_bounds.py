"""`type: row_bounds`: how many rows a load brings, and how many there are."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import Field, model_validator

from odp_dlt.checks.base import Check, Subject, Verdict, counted


@dataclass(frozen=True)
class _Bounds:
    """What is counted, and between which numbers it must lie."""

    of: str
    low: int | None
    high: int | None

    def holds(self, rows: int) -> bool:
        """Whether it lies there."""
        return (self.low is None or rows >= self.low) and (self.high is None or rows <= self.high)

    def __str__(self) -> str:
        if self.high is None:
            return f"at least {counted(self.low or 0, 'row')} {self.of}"
        if self.low is None:
            return f"at most {counted(self.high, 'row')} {self.of}"
        return f"{self.low:,} to {self.high:,} rows {self.of}"


class RowBounds(Check):
    """`min_loaded` and `max_loaded` bound the rows of one load, `min_total` and `max_total` those
    of the table. At least one is given.
    """

    min_loaded: int | None = Field(None, ge=0)
    max_loaded: int | None = Field(None, ge=0)
    min_total: int | None = Field(None, ge=0)
    max_total: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _bounds_something(self) -> "RowBounds":
        if not list(self._bounds()):
            raise ValueError(f"give at least one of {', '.join(type(self).model_fields)}")
        for name, bounds in self._bounds():
            if bounds.low is not None and bounds.high is not None and bounds.low > bounds.high:
                raise ValueError(f"min_{name} is more than max_{name}")
        return self

    @property
    def reads_table(self) -> bool:
        return any(name == "total" for name, _ in self._bounds())

    @property
    def promise(self) -> str:
        return ", ".join(str(bounds) for _, bounds in self._bounds())

    def judge(self, subject: Subject) -> Verdict:
        counts = {name: self._rows(subject, name) for name, _ in self._bounds()}
        wrong, right = [], []
        for name, bounds in self._bounds():
            rows = counts[name]
            if rows is None:
                wrong.append("how many rows were loaded is not known: no load has told")
            elif bounds.holds(rows):
                right.append(f"{counted(rows, 'row')} {bounds.of}")
            else:
                wrong.append(f"{counted(rows, 'row')} {bounds.of}, not {bounds}")
        numbers = {f"rows_{name}": rows for name, rows in counts.items()}
        return Verdict(not wrong, "; ".join(wrong or right), numbers)

    def _rows(self, subject: Subject, name: str) -> int | None:
        if name == "loaded":
            found = subject.facts.get("rows_loaded")
            return found if isinstance(found, int) else None
        view = subject.view
        return view.session.count(view.table) if view is not None and view.exists else 0

    def _bounds(self) -> Iterator[tuple[str, _Bounds]]:
        bounds = {
            "loaded": _Bounds("loaded", self.min_loaded, self.max_loaded),
            "total": _Bounds("in all", self.min_total, self.max_total),
        }
        yield from (
            (name, one)
            for name, one in bounds.items()
            if one.low is not None or one.high is not None
        )
