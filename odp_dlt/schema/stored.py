"""Schemas at rest: dlt's dictionary and its version hash, the YAML that a project commits, and the
JSON copy in a destination.

The dictionary is what dlt 1.31 keeps (schema engine 11). Reading loses nothing that it writes, so
that the hash of what was read is the hash that dlt recorded; only the order of the keys inside a
column or a table becomes ours, which no hash sees.
"""

import base64
import contextlib
import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import yaml

from odp_dlt.errors import SchemaFileError
from odp_dlt.schema.model import DATA_TYPES, DISPOSITIONS, Column, Schema, Table
from odp_dlt.schema.yaml_text import read_yaml

ENGINE_VERSION = 11
KEPT_HASHES = 10

_IMPORTED = "imported_version_hash"
_SCHEMA_KEYS = frozenset(
    {
        "version",
        "version_hash",
        "engine_version",
        "name",
        "tables",
        "settings",
        "normalizers",
        "previous_hashes",
        _IMPORTED,
        "description",
    }
)
_UNHASHED = frozenset({"version", "version_hash", "previous_hashes", _IMPORTED})
_COLUMN_FIELDS = ("data_type", "nullable", "precision", "scale", "timezone", "description")
_TABLE_FIELDS = ("parent", "resource", "write_disposition", "description")
_NORMALIZER = "x-normalizer"
_SEEN_NULL = "seen-null-first"


class _Dumper(yaml.SafeDumper):
    """Writes a value that occurs twice twice, where YAML's own way would be a reference."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def to_stored(schema: Schema) -> dict[str, Any]:
    """The dictionary that dlt keeps, as plain JSON values; tables and columns say their names."""
    stored: dict[str, Any] = {
        "version": schema.version,
        "version_hash": schema.version_hash,
        "engine_version": ENGINE_VERSION,
        "name": schema.name,
        "tables": {name: _stored_table(table) for name, table in schema.tables.items()},
        "settings": schema.settings,
        "normalizers": schema.normalizers,
        "previous_hashes": list(schema.previous_hashes),
    }
    if schema.description:
        stored["description"] = schema.description
    if schema.imported_hash:
        stored[_IMPORTED] = schema.imported_hash
    plain: dict[str, Any] = orjson.loads(orjson.dumps(stored, default=_plain))
    return plain


def from_stored(stored: Mapping[str, Any], *, at: object = None) -> Schema:
    """The schema in dlt's dictionary, whether or not its tables and columns say their names.

    What dlt assumes for a root table is filled in: its own name as resource, and `append`.
    SchemaFileError, with `at` as its place, for what is not a schema of engine 11.
    """
    _check_form(stored, at)
    unknown = [key for key in stored if key not in _SCHEMA_KEYS]
    if unknown:
        raise SchemaFileError(f"a schema has no key '{unknown[0]}'", at=at)
    return Schema(
        name=stored["name"],
        tables={
            name: _table(name, _mapping(table, f"table '{name}'", at), at)
            for name, table in stored["tables"].items()
        },
        version=stored.get("version") or 0,
        version_hash=stored.get("version_hash") or "",
        previous_hashes=tuple(stored.get("previous_hashes") or ()),
        settings=stored.get("settings") or {},
        normalizers=stored.get("normalizers") or {},
        description=stored.get("description"),
        imported_hash=stored.get(_IMPORTED) or "",
    )


def version_hash(schema: Schema) -> str:
    """The hash of what `schema` says, equal to dlt's: sees the order of columns, not of tables."""
    stored = to_stored(schema)
    content = {key: value for key, value in stored.items() if key not in _UNHASHED}
    digest = hashlib.sha3_256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))
    for name in sorted(stored["tables"]):
        digest.update(name.encode())
        for column in stored["tables"][name]["columns"]:
            digest.update(column.encode())
    return base64.b64encode(digest.digest()).decode()


def bump(schema: Schema) -> Schema:
    """`schema` with the hash of its content, and the next version if that differs from before.

    The hash that it replaces goes to the front of `previous_hashes`, of which ten are kept. Without
    a hash the schema was never stored: it keeps its version, or gets 1.
    """
    current = version_hash(schema)
    if current == schema.version_hash:
        return schema
    if not schema.version_hash:
        return replace(schema, version=schema.version or 1, version_hash=current)
    previous = schema.previous_hashes
    if schema.version_hash not in previous:
        previous = (schema.version_hash, *previous)[:KEPT_HASHES]
    return replace(
        schema, version=schema.version + 1, version_hash=current, previous_hashes=previous
    )


def dump_json(schema: Schema) -> str:
    """The compact copy that `_dlt_version.schema` holds."""
    return orjson.dumps(to_stored(schema)).decode()


def load_json(text: str, *, at: object = None) -> Schema:
    """The schema in such a copy; SchemaFileError, with `at` as its place, if it is none."""
    try:
        stored = orjson.loads(text)
    except orjson.JSONDecodeError as e:
        raise SchemaFileError(f"the stored schema is not JSON: {e}", at=at) from e
    return from_stored(_mapping(stored, "the stored schema", at), at=at)


def dump_yaml(schema: Schema) -> str:
    """`schema` as dlt exports it: in its order, names only as keys."""
    return _yaml(_unnamed(schema))


def read_schema_file(path: Path, *, hint: str | None = None) -> Schema:
    """The schema in the file at `path`.

    SchemaFileError if it is missing (then with `hint`), cannot be read, or holds something else.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as e:
        raise SchemaFileError("the schema file does not exist", at=path, hint=hint) from e
    except OSError as e:
        raise SchemaFileError(f"the schema file cannot be read: {e.strerror}", at=path) from e
    return from_stored(_parsed(content, path, hint), at=path)


def write_schema_file(schema: Schema, path: Path) -> bool:
    """Write `schema` to `path` and return True, unless the file says the same: then return False.

    Whoever reads meanwhile sees the old file or the new one. The order of keys inside a table or a
    column stays as the file had it, so a difference in the file is a difference in the schema.
    SchemaFileError if something else than a schema is in the way: it is not overwritten.
    """
    stored = _unnamed(schema)
    content = path.read_bytes() if path.exists() else b""
    if content.strip():
        before = _parsed(content, path, None)
        old = from_stored(before, at=path)
        if _unnamed(old) == stored and version_hash(old) == version_hash(schema):
            return False
        stored["tables"] = _in_order_of(before["tables"], stored["tables"])
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        fresh.write_bytes(_yaml(stored).encode())
        fresh.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
    return True


def _stored_table(table: Table) -> dict[str, Any]:
    """Keys in dlt's usual order: columns, how it is loaded, hints, where it is from."""
    normalizer: dict[str, Any] = {}
    if table.max_nesting is not None:
        normalizer["max_nesting"] = table.max_nesting
    if table.seen_data:
        normalizer["seen-data"] = True
    hints = dict(table.hints)
    kept = hints.pop(_NORMALIZER, None)
    stored: dict[str, Any] = {
        "name": table.name,
        "columns": {name: _stored_column(column) for name, column in table.columns.items()},
        "write_disposition": table.write_disposition,
        **hints,
        "resource": table.resource,
        "parent": table.parent,
        "description": table.description,
    }
    stored = {key: value for key, value in stored.items() if value is not None or key in hints}
    if normalizer or kept is not None:
        stored[_NORMALIZER] = normalizer | (kept or {})
    return stored


def _stored_column(column: Column) -> dict[str, Any]:
    said = {key: getattr(column, key) for key in _COLUMN_FIELDS}
    description = said.pop("description")
    stored: dict[str, Any] = {"name": column.name}
    stored.update({key: value for key, value in said.items() if value is not None})
    stored.update(column.hints)
    if description is not None:
        stored["description"] = description
    return stored


def _table(name: object, stored: Mapping[str, Any], at: object) -> Table:
    what = f"table '{name}'"
    name = _text(name, "the name of a table", at)
    columns = _mapping(stored.get("columns") or {}, f"`columns` of {what}", at)
    normalizer = dict(_mapping(stored.get(_NORMALIZER) or {}, f"`{_NORMALIZER}` of {what}", at))
    hints = _rest(stored, (*_TABLE_FIELDS, "name", "columns", _NORMALIZER))
    max_nesting = normalizer.pop("max_nesting", None)
    seen_data = normalizer.get("seen-data") is True
    if seen_data:
        del normalizer["seen-data"]
    if normalizer:
        hints[_NORMALIZER] = normalizer
    parent = stored.get("parent")
    return Table(
        name=name,
        columns=_columns(columns, what, at),
        parent=parent,
        resource=stored.get("resource") or (None if parent else name),
        write_disposition=_one_of(
            DISPOSITIONS,
            stored.get("write_disposition") or (None if parent else "append"),
            f"the write_disposition of {what}",
            at,
        ),
        description=stored.get("description"),
        max_nesting=max_nesting,
        seen_data=seen_data,
        hints=hints,
    )


def _columns(stored: Mapping[Any, Any], table: str, at: object) -> dict[str, Column]:
    columns = {}
    for name, entry in stored.items():
        _text(name, f"the name of a column of {table}", at)
        column = _column(name, _mapping(entry, f"column '{name}' of {table}", at), table, at)
        if column is not None:
            columns[name] = column
    return columns


def _column(name: str, stored: Mapping[str, Any], table: str, at: object) -> Column | None:
    """None for a column that an older dlt noted because it had seen nothing but nulls in it."""
    hints = _rest(stored, (*_COLUMN_FIELDS, "name"))
    normalizer = hints.get(_NORMALIZER)
    if isinstance(normalizer, dict) and normalizer.get(_SEEN_NULL):
        if not stored.get("data_type"):
            return None
        hints[_NORMALIZER] = {key: v for key, v in normalizer.items() if key != _SEEN_NULL}
        if not hints[_NORMALIZER]:
            del hints[_NORMALIZER]
    said = {key: stored.get(key) for key in _COLUMN_FIELDS}
    _one_of(DATA_TYPES, said["data_type"], f"the data_type of column '{name}' of {table}", at)
    return Column(name, hints=hints, **said)


def _rest(stored: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """What no field holds. A field that is null there is kept too, since the hash sees it."""
    keeps_null = {key for key in fields if key in stored and stored[key] is None}
    return {key: value for key, value in stored.items() if key not in fields or key in keeps_null}


def _check_form(stored: Mapping[str, Any], at: object) -> None:
    if not isinstance(stored.get("tables"), Mapping):
        raise SchemaFileError("there are no `tables`, so it is not a schema", at=at)
    _text(stored.get("name"), "the `name` of the schema", at)
    engine = stored.get("engine_version")
    if engine == ENGINE_VERSION:
        return
    if isinstance(engine, int) and engine > ENGINE_VERSION:
        hint = "A newer dlt wrote it. Use a release that knows this engine, or export it anew."
    else:
        hint = "Load it once with a dlt of version 1.31 and export it again, which migrates it."
    raise SchemaFileError(
        f"its engine_version is {engine}; only {ENGINE_VERSION} can be read", at=at, hint=hint
    )


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, set | frozenset) else str(value)


def _mapping(value: object, what: str, at: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SchemaFileError(f"{what} is {value!r}, not keys and values", at=at)
    return value


def _text(value: object, what: str, at: object) -> str:
    if not isinstance(value, str):
        hint = None if value is None else "Put it in quotes."
        raise SchemaFileError(f"{what} is {value!r}, not text", at=at, hint=hint)
    return value


def _one_of(known: tuple[Any, ...], value: Any, what: str, at: object) -> Any:
    if value is not None and value not in known:
        raise SchemaFileError(f"{what} is {value!r}", at=at, hint=f"Known: {', '.join(known)}.")
    return value


def _parsed(content: bytes, path: Path, hint: str | None) -> Mapping[str, Any]:
    try:
        stored = read_yaml(content)
    except yaml.MarkedYAMLError as e:
        line = f":{e.problem_mark.line + 1}" if e.problem_mark else ""
        raise SchemaFileError(f"not YAML: {e.problem}", at=f"{path}{line}") from e
    except yaml.YAMLError as e:
        raise SchemaFileError(f"not YAML: {e}", at=path) from e
    if stored is None:
        raise SchemaFileError("the schema file is empty", at=path, hint=hint)
    if not isinstance(stored, dict):
        raise SchemaFileError("there are no `tables`, so it is not a schema", at=path)
    return stored


def _yaml(stored: Mapping[str, Any]) -> str:
    return yaml.dump(
        stored, Dumper=_Dumper, allow_unicode=True, default_flow_style=False, sort_keys=False
    )


def _unnamed(schema: Schema) -> dict[str, Any]:
    stored = to_stored(schema)
    stored.pop(_IMPORTED, None)
    for table in stored["tables"].values():
        del table["name"]
        for column in table["columns"].values():
            del column["name"]
    return stored


def _in_order_of(before: Mapping[str, Any], tables: Mapping[str, Any]) -> dict[str, Any]:
    """`tables` with the keys of each table and column in the order that they had `before`."""
    ordered = {}
    for name, table in tables.items():
        old = before.get(name) or {}
        old_columns = old.get("columns") or {}
        columns = {
            column: _reordered(old_columns.get(column) or {}, entry)
            for column, entry in table["columns"].items()
        }
        ordered[name] = _reordered(old, table | {"columns": columns})
    return ordered


def _reordered(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    return {key: now[key] for key in (*(k for k in before if k in now), *now)}
