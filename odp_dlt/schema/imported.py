"""A schema that a person edits in a file, brought together with what the destination stores.

The file decides, as far as it can: a column that has data keeps its type, since no destination
changes one, and the tables and columns that the file does not name stay known.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from odp_dlt.errors import ConfigError, SchemaFileError
from odp_dlt.schema.internal import state_table
from odp_dlt.schema.model import STATE_TABLE, Column, Schema, Table
from odp_dlt.schema.types import arrow_type

_FIXED = "No destination changes the type of a column that has data."
_NEXT = "name it otherwise, or load the table anew: run(…, refresh='drop_resources')."
_TYPE = ("data_type", "precision", "scale", "timezone")


def brought_in(imported: Schema, stored: Schema | None, imported_hash: str, at: object) -> Schema:
    """The schema to go on with: `imported`, whose hash is `imported_hash`, over `stored`.

    SchemaFileError, with `at` as its place, where it would change what tables with data are.
    """
    if stored is None:
        first = imported.with_tables([_new(table) for table in imported.tables.values()])
        if STATE_TABLE in first.tables:  # dlt writes it before it has a row, without its id
            first = first.with_tables([state_table()])
        return replace(first, imported_hash=imported_hash)
    if stored.data_tables() and imported.naming != stored.naming:
        raise SchemaFileError(
            f"its tables are named by {imported.naming}, those of the dataset by {stored.naming}",
            at=at,
            hint="Keep the naming convention, or load into a new dataset.",
        )
    tables = {
        name: _brought_in(table, stored.tables.get(name), at)
        for name, table in imported.tables.items()
        if not (name.startswith("_dlt_") and name in stored.tables)
    }
    return replace(
        stored,
        tables={**tables, **{k: v for k, v in stored.tables.items() if k not in tables}},
        settings=imported.settings,
        normalizers=imported.normalizers,
        description=imported.description,
        imported_hash=imported_hash,
    )


def unseen(schema: Schema) -> Schema:
    """`schema` without what runs note in it for themselves: what a person edits has none of it."""
    tables = {
        name: replace(
            table,
            seen_data=False,
            max_nesting=None,
            hints={k: v for k, v in table.hints.items() if k != "x-normalizer"},
        )
        for name, table in schema.tables.items()
    }
    return replace(schema, tables=tables)


def retyped(known: Table, wanted: Mapping[str, Column]) -> tuple[Column, Column] | None:
    """The first column of `known` that `wanted` gives another type: as it is, and as it would be.

    None if there is none, or no data yet.
    """
    for name, column in known.typed_columns().items() if known.seen_data else ():
        other = wanted.get(name)
        if other is None or other.data_type is None:
            continue
        if other.data_type != column.data_type or arrow_type(other) != arrow_type(column):
            return column, other
    return None


def refuse_retyped(declared: Iterable[Table], known: Schema, resource: str) -> None:
    """ConfigError if hints give a column that has data another type: no destination changes it."""
    for table in declared:
        _refuse_own(table, known, resource)
        changed = table.name in known.tables and retyped(known.tables[table.name], table.columns)
        if changed:
            was, wanted = changed
            raise ConfigError(
                f"column '{was.name}' of table '{table.name}' is declared as {_shown(wanted)}, and"
                f" is {_shown(was)} in the dataset",
                at=f"resource '{resource}'",
                hint=f"{_FIXED} Leave the type, {_NEXT}",
            )


def _refuse_own(table: Table, known: Schema, resource: str) -> None:
    """ConfigError if a nested table that has rows is given a key of its own."""
    before = known.tables.get(table.name)
    if before is not None and before.seen_data and before.parent and table.parent is None:
        raise ConfigError(
            f"table '{table.name}' has rows that are nested in '{before.parent}'; a key would make"
            " it a table of its own",
            at=f"nested_hints of resource '{resource}'",
            hint=f"Leave out the key, or {_NEXT.partition('or ')[2]}",
        )


def _shown(column: Column) -> str:
    """The type of `column` for a person: `decimal(10, 2)`."""
    digits = [str(n) for n in (column.precision, column.scale) if n is not None]
    return f"{column.data_type}({', '.join(digits)})" if digits else str(column.data_type)


def _brought_in(imported: Table, stored: Table | None, at: object) -> Table:
    if stored is None:
        return _new(imported)
    columns = {n: _completed(c, stored.columns.get(n)) for n, c in imported.columns.items()}
    _refuse_changes(imported, columns, stored, at)
    return replace(
        imported,
        columns={**columns, **{k: v for k, v in stored.columns.items() if k not in columns}},
        seen_data=stored.seen_data,
        max_nesting=stored.max_nesting if imported.max_nesting is None else imported.max_nesting,
    )


def _new(imported: Table) -> Table:
    """A table that the dataset does not have, whatever the file says it has seen."""
    return replace(imported, seen_data=False)


def _completed(imported: Column, stored: Column | None) -> Column:
    """`imported` with the type that is stored, as far as it says none."""
    if stored is None or imported.data_type not in (None, stored.data_type):
        return imported
    missing: dict[str, Any] = {
        field: getattr(stored, field) for field in _TYPE if getattr(imported, field) is None
    }
    return replace(imported, **missing)


def _refuse_changes(
    imported: Table, columns: Mapping[str, Column], stored: Table, at: object
) -> None:
    changed = retyped(stored, columns)
    if changed is not None:
        was, wanted = changed
        raise SchemaFileError(
            f"column '{was.name}' of table '{stored.name}' would be {_shown(wanted)}, and is "
            f"{_shown(was)} in the dataset",
            at=at,
            hint=f"{_FIXED} Leave the type, {_NEXT}",
        )
    if stored.seen_data and imported.parent != stored.parent:
        raise SchemaFileError(
            f"table '{stored.name}' would be nested in {imported.parent or 'no table'}, and is"
            f" nested in {stored.parent or 'no table'} in the dataset",
            at=at,
            hint=f"Leave `parent` as it was, {_NEXT}",
        )
