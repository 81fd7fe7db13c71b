"""`type: contract`: what the schema contract left out of a load."""

from typing import ClassVar

from pydantic import Field

from odp_dlt.checks.base import Check, Subject, Verdict, counted


class Contract(Check):
    """A load left out at most `max_rows` rows and `max_values` values.

    They are those that a contract with discard_row or discard_value did not let pass.
    """

    max_rows: int = Field(0, ge=0)
    max_values: int = Field(0, ge=0)

    of_loads: ClassVar[bool] = True

    @property
    def reads_table(self) -> bool:
        return False

    @property
    def promise(self) -> str:
        if not (self.max_rows or self.max_values):
            return "no row or value breaks the schema contract"
        return f"at most {self.max_rows:,} rows and {self.max_values:,} values break the contract"

    def judge(self, subject: Subject) -> Verdict:
        facts = subject.facts
        if "rows_rejected" not in facts:
            return Verdict(False, "no load has told what it left out")
        rows, values = int(facts["rows_rejected"]), int(facts["values_rejected"])
        elsewhere = int(facts.get("rows_of_tables_rejected", 0))
        numbers = {"rows_rejected": rows, "values_rejected": values}
        said = f"{counted(rows, 'row')} and {counted(values, 'value')} left out"
        if elsewhere:
            numbers["rows_of_tables_rejected"] = elsewhere
            said += f", and {counted(elsewhere, 'row')} of tables that may not begin"
        passed = rows + elsewhere <= self.max_rows and values <= self.max_values
        return Verdict(passed, said, numbers)
