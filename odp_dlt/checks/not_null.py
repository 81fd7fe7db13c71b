"""`type: not_null`: some columns have a value in every row."""

from collections.abc import Sequence

from odp_dlt.checks.base import (
    SAMPLES,
    Check,
    Columns,
    Samples,
    Subject,
    Verdict,
    listed,
    must_have,
)
from odp_dlt.destinations.statements import quoted
from odp_dlt.schema.model import ID


class NotNull(Check):
    """No row lacks a value in any of `columns`."""

    columns: Columns
    samples: Samples = SAMPLES

    @property
    def promise(self) -> str:
        return f"{', '.join(self.columns)}: never null"

    def columns_named(self) -> Sequence[str]:
        return self.columns

    def judge(self, subject: Subject) -> Verdict:
        view = subject.view
        if view is None or not view.exists:
            return Verdict(True, "there is no table yet, so nothing is null")
        must_have(view, self.columns)
        counts = ", ".join(
            f"count({quoted(c)}) AS {quoted(f'n{i}')}" for i, c in enumerate(self.columns)
        )
        total, *filled = subject.row(f"SELECT count(*) AS n, {counts} FROM {view.name}")
        nulls = {c: total - n for c, n in zip(self.columns, filled, strict=True)}
        numbers = {"rows": total, **{f"nulls_{column}": n for column, n in nulls.items()}}
        bad = {column: n for column, n in nulls.items() if n}
        if not bad:
            return Verdict(True, f"no nulls in {total:,} rows", numbers)
        said = ", ".join(f"{column} is null in {n:,}" for column, n in bad.items())
        condition = " OR ".join(f"{quoted(column)} IS NULL" for column in bad)
        shown = [*self.columns, *([ID] if ID in view.columns and ID not in self.columns else [])]
        rows = f"SELECT {listed(shown)} FROM {view.name} WHERE {condition}"
        return Verdict(
            False, f"{said} of {total:,} rows", numbers, subject.sample(rows, self.samples)
        )
