"""One page of nested rows → flat tables: structs become columns, lists become nested tables.

Pure: it says what the schema would gain, and a contract may refuse that before it counts. The order
of new columns and tables is dlt's, since it is part of the schema's version hash.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from odp_dlt.errors import SourceError
from odp_dlt.normalize.coerce import resolve
from odp_dlt.normalize.exact import is_mixed, parts, struct_array
from odp_dlt.normalize.ids import random_ids
from odp_dlt.schema.model import ID, LIST_IDX, LOAD_ID, PARENT_ID, Column, Schema, Table
from odp_dlt.schema.naming import Naming

_ROW_KEY = Column(ID, "text", nullable=False, hints={"unique": True, "row_key": True})
_LOAD_ID = Column(LOAD_ID, "text", nullable=False)
_PARENT_ID = Column(PARENT_ID, "text", nullable=False, hints={"parent_key": True})
_LIST_IDX = Column(LIST_IDX, "bigint", nullable=False)
_SYSTEM = frozenset({ID, LOAD_ID, PARENT_ID, LIST_IDX})


@dataclass(frozen=True)
class SchemaChanges:
    """The tables that a page would add to the schema or change, as they would be then."""

    tables: tuple[Table, ...] = ()

    def applied(self, schema: Schema) -> Schema:
        return schema.with_tables(self.tables) if self.tables else schema


@dataclass(frozen=True)
class _Rows:
    """The rows of one table within a page. `links` are their columns to the parent, if nested."""

    table: Table
    rows: pa.Array
    links: Mapping[str, pa.Array] = field(default_factory=dict)


@dataclass(frozen=True)
class _Flat:
    """The fields of some rows by column name: values to be typed, and lists to be tables.

    `raw` says which key of the source each name came from.
    """

    columns: dict[str, pa.Array] = field(default_factory=dict)
    lists: dict[str, pa.Array] = field(default_factory=dict)
    raw: dict[tuple[str, str], str] = field(default_factory=dict)

    def claim(self, kind: str, name: str, raw: str, table: str) -> None:
        """Note that `raw` becomes `name`; SourceError if another key did already."""
        other = self.raw.setdefault((kind, name), raw)
        if other != raw:
            raise SourceError(
                f"the keys '{other}' and '{raw}' both become '{name}': one would be lost",
                at=f"table '{table}'",
                hint="Rename one of them in the source, e.g. with add_map.",
            )


def normalize(
    page: pa.StructArray, root: Table, schema: Schema, load_id: str, naming: Naming
) -> tuple[dict[str, pa.Table], SchemaChanges]:
    """The flat tables of `page` by name, parents first, and what the schema gains from them.

    `root` is the root table with what is known of it; nested tables are looked up in `schema`.
    """
    detect = "iso_timestamp" in schema.settings.get("detections", ())
    loads = {LOAD_ID: pa.repeat(pa.scalar(load_id), len(page))}
    waiting = [_Rows(root, page, loads)]
    tables: dict[str, pa.Table] = {}
    changed: list[Table] = []
    while waiting:
        rows = waiting.pop(0)
        flat = _flatten(rows.rows, rows.table.name, naming)
        ids = _ids(flat, len(rows.rows))
        table, arrays = _typed(rows, flat, ids, detect)
        tables[table.name] = pa.table(arrays)
        if table is not rows.table or table.name not in schema.tables:
            changed.append(table)
        children = list(_children(table, flat, ids, schema, naming))
        waiting = children + waiting
    return tables, SchemaChanges(tuple(changed))


def _flatten(rows: pa.Array, table: str, naming: Naming) -> _Flat:
    """The fields of `rows`: of structs, of scalars in a list (`value`), of lists in a list
    (`list`).
    """
    flat = _Flat()
    for part in parts(rows):
        if pt.is_struct(part.type):
            _fields(part, (), (), flat, table, naming)
        elif pt.is_list(part.type):
            _leaf(part, ("list",), ("list",), flat, table, naming)
        elif not pt.is_null(part.type):
            _leaf(part, ("value",), ("value",), flat, table, naming)
    return flat


def _fields(
    struct: pa.StructArray,
    names: tuple[str, ...],
    raw: tuple[str, ...],
    flat: _Flat,
    table: str,
    naming: Naming,
) -> None:
    """The scalars of this level in key order, then its dicts, the last one first, as dlt does."""
    dicts = []
    children = (
        struct.flatten()
        if struct.null_count
        else [struct.field(i) for i in range(struct.type.num_fields)]
    )
    for child_field, child in zip(struct.type, children, strict=True):
        path = (*names, naming.path(child_field.name))
        raw_path = (*raw, child_field.name)
        for part in _by_shape(child):
            if pt.is_struct(part.type) and not is_mixed(part.type):
                dicts.append((part, path, raw_path))
            else:
                _leaf(part, path, raw_path, flat, table, naming)
    for part, path, raw_path in reversed(dicts):
        _fields(part, path, raw_path, flat, table, naming)


def _by_shape(array: pa.Array) -> Iterator[pa.Array]:
    """A mixed array as its dicts, its lists, and all its scalars as one mixed array."""
    if not is_mixed(array.type):
        yield array
        return
    scalars = {}
    for child_field, part in zip(array.type, array.flatten(), strict=True):
        if pt.is_struct(part.type) or pt.is_list(part.type):
            yield part
        else:
            scalars[child_field.name] = part
    if scalars:
        yield struct_array(scalars, len(array))


def _leaf(
    array: pa.Array,
    path: tuple[str, ...],
    raw: tuple[str, ...],
    flat: _Flat,
    table: str,
    naming: Naming,
) -> None:
    name = naming.join(*path)
    kind, found = ("list", flat.lists) if pt.is_list(array.type) else ("column", flat.columns)
    if pt.is_null(array.type) and name in found:
        return
    flat.claim(kind, name, ".".join(raw), table)
    if name in found and kind == "column":
        both = {f"\0{i}": part for i, part in enumerate((*parts(found[name]), *parts(array)))}
        array = struct_array(both, len(array))
    found[name] = array


def _ids(flat: _Flat, count: int) -> pa.Array:
    """Row ids: the source's own where it yields them, else random ones."""
    own = flat.columns.get(ID)
    if own is None or pt.is_null(own.type):
        return random_ids(count)
    own = own.cast(pa.string())
    return own if own.null_count == 0 else pc.coalesce(own, random_ids(count))


def _typed(
    rows: _Rows, flat: _Flat, ids: pa.Array, detect: bool
) -> tuple[Table, dict[str, pa.Array]]:
    """The table with the columns that these rows add, and all its arrays in column order."""
    known = rows.table.columns
    arrays: dict[str, pa.Array] = {}
    added: list[Column] = []
    for name, values in flat.columns.items():
        if name in _SYSTEM:
            continue
        for column, array in resolve(name, values, known, detect):
            arrays[column.name] = array
            if known.get(column.name) != column:
                added.append(column)
    arrays.update(rows.links)
    arrays[ID] = ids
    system = [c for c in (_LOAD_ID, _PARENT_ID, _LIST_IDX, _ROW_KEY) if c.name in arrays]
    missing = [c for c in system if c.name not in known]
    table = rows.table
    if added or missing:
        table = table.with_columns(_in_order(added, missing, arrays))
    if not table.seen_data and len(rows.rows):
        table = replace(table, seen_data=True)
    return table, {name: arrays[name] for name in table.columns if name in arrays}


def _in_order(
    added: list[Column], system: list[Column], arrays: Mapping[str, pa.Array]
) -> list[Column]:
    """New columns in the order of the rows that first have a value for them.

    The system's columns stand behind what the first row brought.
    """
    firsts = {column.name: _first_row(arrays[column.name]) for column in added}
    ordered = sorted(added, key=lambda column: firsts[column.name])
    at_once = [column for column in ordered if firsts[column.name] == 0]
    return [*at_once, *system, *ordered[len(at_once) :]]


def _first_row(array: pa.Array) -> int:
    return 0 if array.null_count == 0 else int(pc.index(array.is_valid(), True).as_py())


def _children(
    table: Table, flat: _Flat, ids: pa.Array, schema: Schema, naming: Naming
) -> Iterator[_Rows]:
    for path, lists in flat.lists.items():
        items = lists.flatten()
        if not len(items):
            continue
        name = naming.join(table.name, path)
        child = schema.tables.get(name) or Table(name, parent=table.name)
        if child.parent != table.name:
            raise SourceError(
                f"the list '{path}' of table '{table.name}' becomes '{name}', which exists",
                hint="Rename the key or the resource.",
            )
        owners = pc.list_parent_indices(lists)
        yield _Rows(
            child, items, {PARENT_ID: ids.take(owners), LIST_IDX: _positions(lists, owners)}
        )


def _positions(lists: pa.ListArray, owners: pa.Array) -> pa.Array:
    """The place of each item in its own list, from 0."""
    lengths = lists.value_lengths().fill_null(0).cast(pa.int64())
    starts = pc.subtract(pc.cumulative_sum(lengths), lengths)
    return pc.subtract(pa.arange(0, len(owners)), starts.take(owners))
