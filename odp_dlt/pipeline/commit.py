"""Load a package: everything of it in one session, which commits as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from odp_dlt.destinations.base import Destination, Session
from odp_dlt.pipeline.info import TableLoad
from odp_dlt.pipeline.package import Package, arrow_schema
from odp_dlt.pipeline.recall import (
    Memory,
    is_stored,
    load_row,
    moved_schema,
    recall,
    version_row,
)
from odp_dlt.pipeline.state import State, moved_state, next_version, state_row
from odp_dlt.schema.internal import state_table
from odp_dlt.schema.model import LOADS_TABLE, STATE_TABLE, VERSION_TABLE, Schema, Table
from odp_dlt.schema.types import arrow_type


@dataclass(frozen=True)
class Load:
    """What a run wants committed: `base` is the state it began with, `roots` its root tables."""

    pipeline_name: str
    dataset: str
    package: Package
    schema: Schema
    base: State
    state: State
    roots: Sequence[Table]


def commit(load: Load, destination: Destination) -> tuple[Schema, dict[str, TableLoad]]:
    """Commit `load`; the schema as stored and every table of its roots that exists now.

    Raises StateMoved, and writes nothing, if another run got in between.
    """
    with destination.open(load.dataset) as session:
        there = recall(session, load.pipeline_name, load.schema.name)
        schema, state = _moved(load, there)
        loaded = _load_rows(session, load, schema)
        _load_records(session, load.package.load_id, schema, state)
        names = [t.name for root in load.roots for t in _family(schema, root)]
        return schema, look(session, destination, load.dataset, names, loaded)


def look(
    session: Session,
    destination: Destination,
    dataset: str,
    names: Sequence[str],
    loaded: Mapping[str, int],
) -> dict[str, TableLoad]:
    """Those of the tables `names` that exist, with their real columns and sizes."""
    found = {}
    for name in names:
        columns = session.columns(name)
        if columns:
            address = destination.address(dataset, name)
            total = session.count(name)
            found[name] = TableLoad(name, loaded.get(name, 0), total, address, columns)
    return found


def _moved(load: Load, there: Memory) -> tuple[Schema, State | None]:
    state = next_version(moved_state(load.base, load.state, there.state))
    schema = load.schema
    if state is not None and STATE_TABLE not in schema.tables:
        schema = schema.with_tables([state_table()])
    return moved_schema(schema, there.schema), state


def _load_rows(session: Session, load: Load, schema: Schema) -> dict[str, int]:
    loaded: dict[str, int] = {}
    for root in load.roots:
        family = _family(schema, root)
        if not family:
            continue
        for table in family:
            if table.name in load.package.files:
                session.evolve(table)
        readers = {t.name: _reader(load.package, t) for t in family if t.name in load.package.files}
        loaded.update(session.load(family, readers))
    return loaded


def _family(schema: Schema, root: Table) -> list[Table]:
    if root.name not in schema.tables:
        return []
    head, *nested = schema.family(root.name)
    return [replace(head, write_disposition=root.write_disposition), *nested]


def _reader(package: Package, table: Table) -> pa.RecordBatchReader:
    present = package.columns[table.name]
    types = {n: arrow_type(c) for n, c in table.typed_columns().items() if n in present}
    return package.rows(table.name, arrow_schema(list(table.columns), types))


def _load_records(session: Session, load_id: str, schema: Schema, state: State | None) -> None:
    """dlt's own rows: the state if it changed, the schema if it is new, the load itself."""
    session.evolve(schema.tables[VERSION_TABLE])
    session.evolve(schema.tables[LOADS_TABLE])
    if state is not None:
        session.evolve(schema.tables[STATE_TABLE])
        _append(session, schema.tables[STATE_TABLE], state_row(state, load_id))
    if not is_stored(session, schema):
        _append(session, schema.tables[VERSION_TABLE], version_row(schema))
    _append(session, schema.tables[LOADS_TABLE], load_row(load_id, schema))


def _append(session: Session, table: Table, row: pa.Table) -> None:
    session.load([replace(table, write_disposition="append")], {table.name: row.to_reader()})
