"""`type: orphans`: every row has the row of another table that it belongs to."""

from collections.abc import Sequence
from typing import Self

from pydantic import model_validator

from odp_dlt.checks.base import (
    SAMPLES,
    Check,
    Samples,
    Subject,
    Verdict,
    counted,
    listed,
    must_have,
)
from odp_dlt.destinations.base import TableView
from odp_dlt.destinations.statements import quoted, unmatched
from odp_dlt.errors import ConfigError
from odp_dlt.schema.model import ID, PARENT_ID


class Orphans(Check):
    """For each row there is one of the table `parent` whose `parent_column` equals its `column`.

    Without them it is the nested rows that need the row they are nested in. A null belongs to
    nothing: it is no orphan, except in a nested row.
    """

    parent: str | None = None
    column: str | None = None
    parent_column: str | None = None
    samples: Samples = SAMPLES

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        given = [self.parent, self.column, self.parent_column]
        if None in given and given != [None, None, None]:
            raise ValueError("give `parent`, `column` and `parent_column`, or none of them")
        return self

    @property
    def promise(self) -> str:
        if self.parent is None:
            return "every nested row has the row that it is nested in"
        return f"every {self.column} is a {self.parent_column} of {self.parent}"

    def columns_named(self) -> Sequence[str]:
        return [] if self.column is None else [self.column]

    def judge(self, subject: Subject) -> Verdict:
        view = subject.view
        if view is None or not view.exists:
            return Verdict(True, "there is no table yet, so nothing is an orphan")
        parent, own, theirs = self._link(view)
        must_have(view, [own])
        must_have(parent, [theirs])
        join, absent = unmatched(parent.name, {theirs: f"c.{quoted(own)}"}, "p")
        bad = absent if self.column is None else f"{absent} AND c.{quoted(own)} IS NOT NULL"
        rows = f"FROM {view.name} AS c{join} WHERE {bad}"
        (number,) = subject.row(f"SELECT count(*) AS n {rows}")
        numbers = {"orphans": number}
        if not number:
            return Verdict(True, f"every row has its row in {parent.table}", numbers)
        shown = [own, *([ID] if ID in view.columns and own != ID else [])]
        columns = ", ".join(f"c.{one}" for one in listed(shown).split(", "))
        sample = subject.sample(f"SELECT {columns} {rows}", self.samples)
        said = f"{counted(number, 'row')} without a row in {parent.table}"
        return Verdict(False, said, numbers, sample)

    def _link(self, view: TableView) -> tuple[TableView, str, str]:
        """The other table, the column here, and the column there."""
        if self.parent is not None and self.column is not None and self.parent_column is not None:
            return TableView(view.session, self.parent), self.column, self.parent_column
        if view.parent is None:
            raise ConfigError(
                f"the rows of '{view.table}' are nested in no other table",
                hint="Say what they belong to: `parent`, `column` and `parent_column`.",
            )
        return TableView(view.session, view.parent), PARENT_ID, ID
