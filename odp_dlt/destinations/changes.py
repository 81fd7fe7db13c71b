"""What loading some tables would do to those that are there, before it does."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from odp_dlt.destinations.base import Destination, Session
from odp_dlt.destinations.statements import add_column, create_table, qualified
from odp_dlt.schema.model import ROOT_ID, Column, Table


@dataclass(frozen=True)
class Change:
    """One table that would be made, or would get columns.

    `columns` are name → the destination's own type; `sql` says it as a database would be told.
    `refused` says why the load would fail instead.
    """

    table: str
    kind: Literal["create_table", "add_columns"]
    columns: dict[str, str]
    sql: tuple[str, ...]
    refused: str | None = None


def changes(
    tables: Iterable[Table], session: Session, destination: Destination, dataset: str
) -> Iterator[Change]:
    """The changes that a load of `tables` would make, in the order in which it would make them.

    Tables are named with their dataset. A place of files has no statements; for it too they say
    what would be.
    """
    for table in tables:
        wanted = table.typed_columns()
        if not wanted:
            continue
        types = {name: destination.type_name(column) or "" for name, column in wanted.items()}
        name, there = qualified(dataset, table.name), session.columns(table.name)
        if not there:
            made = (create_table(name, table, types),)
            yield Change(table.name, "create_table", types, made)
            continue
        new = {column: types[column] for column in wanted if column not in there}
        if new:
            added = tuple(add_column(name, column, type_) for column, type_ in new.items())
            refused = _refused(table, [wanted[column] for column in new], session)
            yield Change(table.name, "add_columns", new, added, refused)


def _refused(table: Table, new: Iterable[Column], session: Session) -> str | None:
    filled = ROOT_ID if table.parent is not None else None  # which the load fills in
    required = [c.name for c in new if not c.is_nullable and c.name != filled]
    if not required or not session.count(table.name):
        return None
    return f"{', '.join(required)} may not be null, and rows exist that have no value for it"
