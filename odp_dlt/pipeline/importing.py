"""The file of a schema that a person edits: read before a run, written once where it is missing."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from odp_dlt.errors import SchemaFileError
from odp_dlt.schema.imported import brought_in, unseen
from odp_dlt.schema.internal import state_table
from odp_dlt.schema.model import ID, STATE_TABLE, Schema, Table
from odp_dlt.schema.stored import bump, read_schema_file, version_hash, write_schema_file


def schema_path(folder: Path, name: str) -> Path:
    """Where the schema `name` is in a folder of schemas."""
    return folder / f"{name}.schema.yaml"


def with_import(stored: Schema | None, name: str, folder: Path | None) -> Schema | None:
    """`stored` with the file of the schema `name` in `folder`, if that is new or has changed.

    SchemaFileError for a file that cannot be read, has another name, or changes what has data.
    """
    if folder is None or not schema_path(folder, name).exists():
        return stored
    path = schema_path(folder, name)
    imported = read_schema_file(path)
    if imported.name != name:
        raise SchemaFileError(
            f"the schema is called '{imported.name}'", at=path, hint=f"Name it '{name}'."
        )
    found = version_hash(imported)
    if stored is not None and stored.imported_hash == found:
        return stored
    return brought_in(imported, stored, found, path)


def write_import(schema: Schema, declared: Iterable[Table], folder: Path | None) -> str | None:
    """Write `schema` with its `declared` tables to its file in `folder` if there is none.

    Returns the hash of what was written, None if nothing was. Without what was seen in rows, so
    that a person edits hints; and with version 1.
    """
    if folder is None or schema_path(folder, schema.name).exists():
        return None
    tables = [*declared]
    if STATE_TABLE not in schema.tables:
        state = state_table()
        tables.append(replace(state, columns={n: c for n, c in state.columns.items() if n != ID}))
    first = replace(schema.with_tables(tables), version=0, version_hash="", previous_hashes=())
    written = bump(unseen(first))
    write_schema_file(written, schema_path(folder, schema.name))
    return written.version_hash
