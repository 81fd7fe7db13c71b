"""`type: unique`: no two rows have the same values in some columns."""

from collections.abc import Sequence

from odp_dlt.checks.base import (
    SAMPLES,
    Check,
    Columns,
    Samples,
    Subject,
    Verdict,
    counted,
    listed,
    must_have,
)
from odp_dlt.destinations.statements import quoted


class Unique(Check):
    """No two rows are equal in all of `columns`. As in SQL, a null equals nothing."""

    columns: Columns
    samples: Samples = SAMPLES

    @property
    def promise(self) -> str:
        return f"{', '.join(self.columns)}: unique"

    def columns_named(self) -> Sequence[str]:
        return self.columns

    def judge(self, subject: Subject) -> Verdict:
        view = subject.view
        if view is None or not view.exists:
            return Verdict(True, "there is no table yet, so nothing is twice")
        must_have(view, self.columns)
        filled = " AND ".join(f"{quoted(column)} IS NOT NULL" for column in self.columns)
        repeated = (
            f"SELECT {listed(self.columns)}, count(*) AS {quoted('rows')} FROM {view.name} "
            f"WHERE {filled} GROUP BY {listed(self.columns)} HAVING count(*) > 1"
        )
        values, rows = subject.row(
            f"SELECT count(*) AS v, coalesce(sum({quoted('rows')}), 0) AS r FROM ({repeated}) AS d"
        )
        values, rows = int(values), int(rows)
        numbers = {"repeated_values": values, "rows_with_repeated_values": rows}
        if not values:
            return Verdict(True, "nothing is twice", numbers)
        said = f"{counted(values, 'value')} of {', '.join(self.columns)} in {rows:,} rows"
        ordered = f"{repeated} ORDER BY count(*) DESC"
        return Verdict(False, said, numbers, subject.sample(ordered, self.samples))
