"""How deep nested values are taken apart, and which stay whole as JSON text."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from odp_dlt.schema.defaults import Defaults, defaults_of
from odp_dlt.schema.model import Schema, Table
from odp_dlt.schema.naming import Naming, naming_convention


@dataclass(frozen=True)
class Limits:
    """One place in the data, and what is to happen to nested values there.

    `left` counts the levels, of dicts and of lists alike, that are still taken apart; None is no
    limit. `json` names the columns, as (table, column), that were declared to be JSON; `defaults`
    may prefer it by their name.
    """

    table: str = ""
    column: str = ""
    left: int | None = None
    json: frozenset[tuple[str, str]] = frozenset()
    defaults: Defaults = field(default_factory=Defaults)
    naming: Naming = field(default_factory=lambda: naming_convention("snake_case"))

    @property
    def any(self) -> bool:
        return self.left is not None or bool(self.json) or bool(self.defaults.preferred)

    @property
    def path(self) -> str:
        return f"{self.table}.{self.column}" if self.column else self.table

    @property
    def is_row(self) -> bool:
        """Whether what stands here is a row itself, not a field of one."""
        return not self.column

    @property
    def whole(self) -> bool:
        """Whether a nested value right here stays whole; of rows, only lists are asked.

        A list directly inside a list counts as two levels, as in dlt.
        """
        if self.left is not None and self.left <= (1 if self.is_row else 0):
            return True
        prefers = bool(self.column) and self.defaults.preferred_type(self.column) == "json"
        return prefers or (self.table, self.column) in self.json

    def of_field(self, name: str) -> "Limits":
        """The place of field `name` of a row that stands here."""
        column = self.naming.join(*filter(None, (self.column, self.naming.path(name))))
        return replace(self, column=column)

    def of_inside(self) -> "Limits":
        """The place of the fields of a dict that stands here: one level further down."""
        return replace(self, left=None if self.left is None else self.left - 1)

    def of_items(self) -> "Limits":
        """The place of the items of a list that stands here: rows of a nested table."""
        table = self.naming.join(self.table, self.column or "list")
        return replace(self.of_inside(), table=table, column="")


def limits_of(declared: Sequence[Table], schema: Schema, naming: Naming) -> Limits:
    """The limits for the rows of the first table that is `declared`, with those nested in it.

    They are its own nesting limit, now or in an earlier run, else the schema's, and the columns of
    JSON.
    """
    root = declared[0]
    known = {table.name: table for table in schema.tables_of(str(root.resource))}
    tables = [*{**known, **{table.name: table for table in declared}}.values()]
    json = {(t.name, c.name) for t in tables for c in t.columns.values() if c.data_type == "json"}
    stays = known[root.name].max_nesting if root.name in known else None
    own = stays if root.max_nesting is None else root.max_nesting
    left = schema.max_nesting if own is None else own
    defaults = defaults_of(schema.settings)
    return Limits(root.name, left=left, json=frozenset(json), defaults=defaults, naming=naming)
