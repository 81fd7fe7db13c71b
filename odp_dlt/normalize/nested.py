"""One page of nested rows → flat tables: structs become columns, lists become nested tables.

Pure: it says what the schema would gain, and a contract may refuse that before it counts. The order
of new columns and tables is dlt's, since it is part of the schema's version hash.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from odp_dlt.normalize.coerce import fit, resolve
from odp_dlt.normalize.exact import is_mixed, parts, struct_array
from odp_dlt.normalize.flat import SOURCE_KEY, Flat, first_row, settled, tagged_name, together
from odp_dlt.normalize.hashes import Identity, nested_hashes
from odp_dlt.normalize.ids import random_ids
from odp_dlt.schema.defaults import Defaults, defaults_of
from odp_dlt.schema.merging import OWNER, ROW, root_key_column
from odp_dlt.schema.model import ID, LIST_IDX, LOAD_ID, PARENT_ID, ROOT_ID, Column, Schema, Table
from odp_dlt.schema.naming import Naming

_ROW_KEY = Column(ID, "text", nullable=False, hints={"unique": True, "row_key": True})
_LOAD_ID = Column(LOAD_ID, "text", nullable=False)
_PARENT_ID = Column(PARENT_ID, "text", nullable=False, hints={"parent_key": True})
_LIST_IDX = Column(LIST_IDX, "bigint", nullable=False)
_SYSTEM = (root_key_column(), _LOAD_ID, _PARENT_ID, _LIST_IDX, _ROW_KEY)

# A field of the source that has the name of a system column where there is none: as dlt has it.
_OWN = {c.name: replace(c, data_type=None) for c in _SYSTEM}

_RANDOM = Identity()


@dataclass(frozen=True)
class SchemaChanges:
    """The tables that a page would add to the schema or change, as they would be then."""

    tables: tuple[Table, ...] = ()

    def applied(self, schema: Schema) -> Schema:
        return schema.with_tables(self.tables) if self.tables else schema


@dataclass(frozen=True)
class _Rows:
    """Rows of one table within a page. `links` are their columns to the parent or the load.

    `carried` is what the rows nested in them inherit: the place and the id of their root row.
    `owners` are the ids of the rows that they were broken out of.
    """

    table: Table
    rows: pa.Array
    identity: Identity
    links: Mapping[str, pa.Array] = field(default_factory=dict)
    carried: Mapping[str, pa.Array] = field(default_factory=dict)
    owners: pa.Array | None = None

    def begun(self, load_id: str, before: int) -> "_Rows":
        """These rows, if they are not nested, with the load and their places in it.

        Of the page `before` others of their table came.
        """
        if PARENT_ID in self.links:
            return self
        count = len(self.rows)
        links = {**self.links, LOAD_ID: pa.repeat(pa.scalar(load_id), count)}
        return replace(self, links=links, carried=self.identity.after(before).places(count))

    def passing(self) -> dict[str, pa.Array]:
        """The columns that no table keeps: places in the load, and the rows broken out of."""
        found = {ROW: self.carried[ROW]} if ROW in self.carried else {}
        return found if self.owners is None else {**found, OWNER: self.owners}

    def broken_out(
        self, table: Table, items: pa.Array, ids: pa.Array, lists: pa.Array, identity: Identity
    ) -> "_Rows":
        """The rows `items`, which stand in `lists` in the rows `ids`, of a table of their own."""
        owners = pc.list_parent_indices(lists)
        links = {}
        if ROOT_ID in self.carried:
            links[ROOT_ID] = self.carried[ROOT_ID].take(owners)
            identity = replace(identity, root_key=True)
        return _Rows(table, items, identity, links, owners=ids.take(owners))

    def children(self, table: Table, items: pa.Array, ids: pa.Array, lists: pa.Array) -> "_Rows":
        """The rows `items` of the nested `table`, which are those of `lists` in the rows `ids`."""
        owners = pc.list_parent_indices(lists)
        carried = {name: values.take(owners) for name, values in self.carried.items()}
        links = {PARENT_ID: ids.take(owners), LIST_IDX: _positions(lists, owners)}
        if ROOT_ID in carried:
            links[ROOT_ID] = carried[ROOT_ID]
        return _Rows(table, items, self.identity, links, carried)


@dataclass
class _Split:
    """The tables of one page as they come to be: `known` is what is known of each by now.

    `own` are the tables that lists fill though they are not nested, and what their rows are known
    by.
    """

    root: Table
    schema: Schema
    own: Mapping[str, Identity]
    known: dict[str, Table] = field(default_factory=dict)
    changed: dict[str, Table] = field(default_factory=dict)
    tables: dict[str, pa.Table] = field(default_factory=dict)

    @cached_property
    def defaults(self) -> Defaults:
        return defaults_of(self.schema.settings)

    def find(self, name: str) -> Table | None:
        before = self.root if name == self.root.name else self.schema.tables.get(name)
        return self.known.get(name) or before

    def child(self, parent: str, path: str, keys: str | None, naming: Naming) -> Table:
        """The table for the lists at `path`; `keys` are to be recorded as theirs, if any.

        Another table may have the name: of a resource, or of lists in the lists of another field.
        """
        name = naming.join(parent, path)
        child = self.find(name) or Table(name, parent=parent)
        if keys and child.hints.get(SOURCE_KEY) != keys:
            child = replace(child, hints={**child.hints, SOURCE_KEY: keys})
        self.known[name] = child
        return child

    def is_taken(self, parent: str, path: str, naming: Naming) -> bool:
        found = self.find(naming.join(parent, path))
        return found is not None and found.parent != parent and found.name not in self.own

    def count(self, name: str) -> int:
        """How many rows of the table `name` there are by now."""
        return self.tables[name].num_rows if name in self.tables else 0

    def add(self, table: Table, arrays: Mapping[str, pa.Array]) -> None:
        self.known.pop(table.name, None)
        if table is not self.find(table.name) or table.name not in self.schema.tables:
            self.changed[table.name] = table
        self.known[table.name] = table
        rows, earlier = pa.table(arrays), self.tables.get(table.name)
        if earlier is not None:
            rows = pa.concat_tables([earlier, rows], promote_options="default")
        self.tables[table.name] = rows


def normalize(
    page: pa.StructArray,
    root: Table,
    schema: Schema,
    load_id: str,
    naming: Naming,
    identity: Identity = _RANDOM,
    own: Mapping[str, Identity] = MappingProxyType({}),
) -> tuple[dict[str, pa.Table], SchemaChanges]:
    """The flat tables of `page` by name, parents first, and what the schema gains from them.

    `root` is the root table with what is known of it; nested tables are looked up in `schema`.
    `own` are tables of `schema` that lists fill though they are not nested, by name. Rows that are
    to be merged bring the columns of `STAGED` too, and those of `own` tables `OWNER`, which no
    schema knows.
    """
    split = _Split(root, schema, own)
    waiting = [_Rows(root, page, identity)]
    while waiting:
        rows = waiting.pop(0)
        rows = rows.begun(load_id, split.count(rows.table.name))
        rows = replace(rows, table=split.known.get(rows.table.name, rows.table))
        flat = Flat(naming)
        flat.add_rows(rows.rows)
        hashes = _hashes(rows, flat)
        ids = _ids(flat, len(rows.rows), hashes.pop("id", None))
        if rows.identity.root_key and ROOT_ID not in rows.carried:
            rows = replace(rows, carried={**rows.carried, ROOT_ID: ids})
        table, arrays = _typed(rows, flat, ids, split)
        split.add(table, {**arrays, **rows.passing(), **hashes})
        waiting = [*_children(rows, table, flat, ids, split), *waiting]
    return split.tables, SchemaChanges(tuple(split.changed.values()))


def _hashes(rows: _Rows, flat: Flat) -> dict[str, pa.Array]:
    """The ids that their identity wants under `id`, and what else is to be known of the rows."""
    identity = rows.identity
    if identity.ids == "random":
        return {}
    if PARENT_ID in rows.links:
        ids = nested_hashes(rows.links[PARENT_ID], rows.table.name, rows.links[LIST_IDX])
        return {"id": ids}
    claims = {name: flat.columns[name] for name in identity.key if name in flat.columns}
    columns = {name: together([c.values for c in found]) for name, found in claims.items()}
    structs = rows.rows
    if not pt.is_struct(structs.type) or is_mixed(structs.type):
        structs = struct_array({"value": structs}, len(structs))  # rows that were scalars
    return identity.root_ids(structs, columns, rows.table.name)


def _ids(flat: Flat, count: int, hashes: pa.Array | None) -> pa.Array:
    """Row ids: the source's own where it yields them, else hashes, else random ones."""
    own = together([claim.values for claim in flat.columns.get(ID, [])] or [pa.nulls(count)])
    fitted = [fit(part, _ROW_KEY)[0] for part in parts(own) if not pt.is_null(part.type)]
    given = [array for array in fitted if array is not None]
    if any(array.null_count == 0 for array in given):
        return given[0]
    return pc.coalesce(*given, random_ids(count) if hashes is None else hashes)


def _typed(
    rows: _Rows, flat: Flat, ids: pa.Array, split: _Split
) -> tuple[Table, dict[str, pa.Array]]:
    """The table with the columns that these rows add, and all its arrays in column order."""
    rows, row_key = _row_key(rows)
    known = dict(rows.table.columns)
    arrays: dict[str, pa.Array] = {}
    for name, keys, values in _columns(flat, known, {*rows.links, ID}):
        base = _OWN.get(name)
        if base is not None and name not in known:
            known[name] = base
        for found, array in resolve(name, values, known, split.defaults, flat.naming):
            column = _recorded(found, keys) if keys and found.name == name else found
            for column_, array_ in _put(column, array, name, arrays, flat.naming):
                known[column_.name], arrays[column_.name] = column_, array_
    added = [known[n] for n in arrays if known[n] != rows.table.columns.get(n)]
    arrays.update(rows.links)
    arrays[ID] = ids
    system = (*_SYSTEM[:-1], row_key)
    missing = [c for c in system if (c.name in rows.links or c.name == ID) and c.name not in known]
    table = rows.table
    if added or missing:
        table = _with(table, _in_order(added, missing, arrays))
    if not table.seen_data and len(rows.rows):
        table = replace(table, seen_data=True)
    return table, {name: arrays[name] for name in table.columns if name in arrays}


def _row_key(rows: _Rows) -> tuple[_Rows, Column]:
    """`_dlt_id`, which hints may describe (scd2 does) without saying its type or place."""
    hinted = rows.table.columns.get(ID)
    if hinted is None or hinted.data_type is not None:
        return rows, _ROW_KEY
    columns = {name: c for name, c in rows.table.columns.items() if name != ID}
    return replace(rows, table=replace(rows.table, columns=columns)), replace(
        hinted, data_type="text"
    )


def _columns(
    flat: Flat, known: Mapping[str, Column], taken: set[str]
) -> Iterator[tuple[str, str | None, pa.Array]]:
    """Column names with the key to record for them, if any, and their values; without `taken`."""
    recorded = {n: c.hints[SOURCE_KEY] for n, c in known.items() if SOURCE_KEY in c.hints}
    for name, claims in flat.columns.items():
        if name in taken:
            continue
        if len(claims) == 1 and name not in recorded:
            yield name, None, claims[0].values
            continue
        tagged = {c.keys: tagged_name(name, c.keys, flat.naming) for c in claims}
        for column, keys, arrays in settled(claims, name, recorded, tagged):
            yield column, keys, together(arrays)


def _recorded(column: Column, keys: str) -> Column:
    return replace(column, hints={**column.hints, SOURCE_KEY: keys})


def _put(
    column: Column, array: pa.Array, key: str, arrays: Mapping[str, pa.Array], naming: Naming
) -> Iterator[tuple[Column, pa.Array]]:
    """`array` for `column`; it may share the column with another field that was there first.

    So does the variant of `x` with a field `x__v_text`. Where both have a value, this one's goes
    to a column of its own.
    """
    first = arrays.get(column.name)
    if first is None:
        yield column, array
        return
    yield column, pc.coalesce(first, array)
    lost = pc.and_(first.is_valid(), array.is_valid())
    if pc.any(lost).as_py():
        keys = f"{key} ({column.data_type})"
        own = replace(column, name=tagged_name(column.name, keys, naming))
        yield _recorded(own, keys), pc.if_else(lost, array, pa.scalar(None, array.type))


def _with(table: Table, columns: list[Column]) -> Table:
    """`table` with new `columns`. One that was declared without a type is new when it gets one."""
    late = {c.name for c in columns if c.name in table.columns and c.data_type}
    untyped = {name for name in late if not table.columns[name].data_type}
    kept = {name: column for name, column in table.columns.items() if name not in untyped}
    return replace(table, columns=kept).with_columns(columns)


def _in_order(
    added: list[Column], system: list[Column], arrays: Mapping[str, pa.Array]
) -> list[Column]:
    """New columns in the order of the rows that first have a value for them.

    The system's columns stand behind what the first row brought.
    """
    firsts = {column.name: first_row(arrays[column.name]) for column in added}
    ordered = sorted(added, key=lambda column: firsts[column.name])
    at_once = [column for column in ordered if firsts[column.name] == 0]
    return [*at_once, *system, *ordered[len(at_once) :]]


def _children(
    rows: _Rows, table: Table, flat: Flat, ids: pa.Array, split: _Split
) -> Iterator[_Rows]:
    for path, keys, lists in _lists(table.name, flat, split):
        items = lists.flatten()
        if len(items):
            child = split.child(table.name, path, keys, flat.naming)
            if child.name in split.own:
                yield rows.broken_out(child, items, ids, lists, split.own[child.name])
            else:
                yield rows.children(child, items, ids, lists)


def _lists(parent: str, flat: Flat, split: _Split) -> Iterator[tuple[str, str | None, pa.Array]]:
    """Paths of nested tables with the key to record for them, if any, and their lists."""
    naming = flat.naming
    for path, claims in flat.lists.items():
        tagged = {c.keys: tagged_name(path, c.keys, naming) for c in claims}
        if split.is_taken(parent, path, naming):
            yield from ((tagged[c.keys], c.keys, c.values) for c in claims)
            continue
        known = split.find(naming.join(parent, path))
        recorded = {path: known.hints[SOURCE_KEY]} if known and SOURCE_KEY in known.hints else {}
        for own_path, keys, arrays in settled(claims, path, recorded, tagged):
            yield from ((own_path, keys, lists) for lists in arrays)


def _positions(lists: pa.ListArray, owners: pa.Array) -> pa.Array:
    """The place of each item in its own list, from 0."""
    lengths = lists.value_lengths().fill_null(0).cast(pa.int64())
    starts = pc.subtract(pc.cumulative_sum(lengths), lengths)
    return pc.subtract(pa.arange(0, len(owners)), starts.take(owners))
