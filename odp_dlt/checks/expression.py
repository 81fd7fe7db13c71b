"""`type: expression`: SQL of one's own that must be true."""

from typing import Self

from pydantic import model_validator

from odp_dlt.checks.base import SAMPLES, Check, Samples, Subject, Verdict
from odp_dlt.errors import ConfigError

TABLE = "{table}"


class Expression(Check):
    """Either a `condition` that is true of every row, or a `query` whose one value is true.

    Both are the destination's SQL. In a query `{table}` stands for the table, and the other tables
    of the dataset have their plain names. A condition that is null for a row is not true of it.
    """

    condition: str | None = None
    query: str | None = None
    samples: Samples = SAMPLES

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.condition is None) == (self.query is None):
            raise ValueError("give either `condition` or `query`")
        if self.query is not None and TABLE not in self.query:
            raise ValueError(f"`query` must name the table as {TABLE}")
        return self

    @property
    def promise(self) -> str:
        if self.condition is not None:
            return f"{self.condition.strip()}, in every row"
        return (self.query or "").strip()

    def judge(self, subject: Subject) -> Verdict:
        if self.condition is not None:
            return self._judge_rows(subject, self.condition.strip())
        return self._judge_value(subject, (self.query or "").strip())

    def _judge_rows(self, subject: Subject, condition: str) -> Verdict:
        view = subject.view
        if view is None or not view.exists:
            return Verdict(True, "there is no table yet, so it is true of every row")
        true = condition.replace(TABLE, view.name)
        counts = ", ".join(
            f"coalesce(sum(CASE WHEN {test} THEN 1 ELSE 0 END), 0) AS {alias}"
            for test, alias in ((f"({true})", "t"), (f"({true}) IS NULL", "u"))
        )
        total, holds, unknown = subject.row(f"SELECT count(*) AS n, {counts} FROM {view.name}")
        bad, unknown = total - int(holds), int(unknown)
        numbers = {"rows": total, "rows_that_fail": bad, "rows_where_it_is_null": unknown}
        if not bad:
            return Verdict(True, f"true of all {total:,} rows", numbers)
        of_null = f", {unknown:,} of them as it is null there" if unknown else ""
        rows = f"SELECT * FROM {view.name} WHERE CASE WHEN ({true}) THEN 0 ELSE 1 END = 1"
        sample = subject.sample(rows, self.samples)
        return Verdict(False, f"not true of {bad:,} of {total:,} rows{of_null}", numbers, sample)

    def _judge_value(self, subject: Subject, query: str) -> Verdict:
        found = subject.table().session.select(query.replace(TABLE, subject.table().name))
        if found.num_rows != 1 or found.num_columns != 1:
            raise ConfigError(
                f"the query gives {found.num_rows:,} rows of {found.num_columns} columns, "
                "and a check needs one value",
                hint="Such as: SELECT sum(amount) >= 0 FROM {table}",
            )
        value = found.column(0)[0].as_py()
        if not (isinstance(value, bool) or value in (0, 1, None)):
            raise ConfigError(
                f"the query gives {str(value)[:40]!r}, and a check needs true or false",
                hint="Compare it: SELECT count(*) > 0 FROM {table} …",
            )
        said = "null" if value is None else "true" if value else "false"
        return Verdict(bool(value), f"the query gives {said}", {"value": said})
