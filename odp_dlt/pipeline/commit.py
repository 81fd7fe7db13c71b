"""Load a package: everything of it in one session, which commits as a whole."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pyarrow as pa

from odp_dlt.destinations.base import Destination, Session
from odp_dlt.errors import ContractError
from odp_dlt.pipeline.boundary import Overflow, stored
from odp_dlt.pipeline.info import TableLoad
from odp_dlt.pipeline.meter import Meter
from odp_dlt.pipeline.package import Package, arrow_schema
from odp_dlt.pipeline.partition import Part, appends
from odp_dlt.pipeline.recall import (
    Memory,
    is_stored,
    load_row,
    moved_schema,
    recall,
    version_row,
)
from odp_dlt.pipeline.refresh import Refresh
from odp_dlt.pipeline.state import State, moved_state, next_version, state_row
from odp_dlt.schema.internal import state_table
from odp_dlt.schema.merging import BOUNDARY, SCD2, STAGED, retires_absent, strategy_of
from odp_dlt.schema.model import LOADS_TABLE, STATE_TABLE, VERSION_TABLE, Schema, Table
from odp_dlt.schema.types import arrow_type

log = logging.getLogger(__name__)

_ALLOW = (
    "If an empty source is right, allow it: `run_params: {allow_empty: true}`, "
    "or run(…, allow_empty=True)."
)


@dataclass(frozen=True)
class Load:
    """What a run wants committed: `base` is the state it began with, `roots` its root tables.

    `part` names what the rows are: those that an earlier load appended as the same part give way.
    """

    pipeline_name: str
    dataset: str
    package: Package
    schema: Schema
    base: State
    state: State
    roots: Sequence[Table]
    allow_empty: bool = False
    refresh: Refresh = field(default_factory=Refresh)
    meter: Meter = field(default_factory=Meter)
    part: str | None = None


@dataclass(frozen=True)
class Committed:
    """The schema as stored, every table of the load's roots that exists now, how many rows keep
    the state (0 if it did not change), and the tables that a refresh dropped or emptied.
    """

    schema: Schema
    tables: Mapping[str, TableLoad]
    state_rows: int
    refreshed: Sequence[str] = ()


@dataclass(frozen=True)
class Unchanged:
    """What a run found that had nothing to commit."""

    schema: Schema
    tables: Mapping[str, TableLoad]


def commit(load: Load, destination: Destination) -> Committed:
    """Commit `load`, after what its refresh forgets.

    Raises StateMoved, and writes nothing, if another run got in between; ContractError if nothing
    came where that would take away all that is there, unless the load allows it.
    """
    with destination.open(load.dataset) as session:
        session.begin(load.package.load_id, load.schema.name)
        found = recall(session, load.pipeline_name, load.schema.name)
        refreshed = load.refresh.apply(session, found.schema)
        there = load.refresh.forgotten(found)
        schema, state, overflow = _moved(load, there)
        overflow.write(session, there.state or {})
        _make_way(session, load, schema)
        loaded = _load_rows(session, load, schema)
        _load_records(session, load.package.load_id, schema, state)
        names = [t.name for root in load.roots for t in _family(schema, root, load.package.load_id)]
        sizes = load.meter.sizes
        tables = look(session, destination, load.dataset, names, loaded, sizes)
        return Committed(schema, tables, 0 if state is None else 1, refreshed)


def look(
    session: Session,
    destination: Destination,
    dataset: str,
    names: Sequence[str],
    loaded: Mapping[str, int],
    sizes: Mapping[str, int],
) -> dict[str, TableLoad]:
    """Those of the tables `names` that exist, with their real columns and sizes."""
    found = {}
    for name in names:
        columns = session.columns(name)
        if columns:
            address = destination.address(dataset, name)
            total = session.count(name)
            rows, size = loaded.get(name, 0), sizes.get(name, 0)
            found[name] = TableLoad(name, rows, total, address, columns, size)
    return found


def _moved(load: Load, there: Memory) -> tuple[Schema, State | None, Overflow]:
    kept, overflow = stored(moved_state(load.base, load.state, there.state))
    state = next_version(kept)
    schema = load.schema
    if state is not None and STATE_TABLE not in schema.tables:
        schema = schema.with_tables([state_table()])
    return moved_schema(schema, there.schema), state, overflow


def _make_way(session: Session, load: Load, schema: Schema) -> None:
    """Remove what an earlier load appended of the same part, and note that this one brings it."""
    part = Part.found(session, load.part)
    gone = part.remove(session, schema)
    counts = load.package.counts
    if gone and not counts and not load.allow_empty:
        raise ContractError(
            f"no rows came for '{part.name}', of which {gone:,} are there and would be gone",
            at=load.dataset,
            hint=_ALLOW,
        )
    if gone:
        log.info("%s: replacing %s rows of an earlier load", part.name, f"{gone:,}")
    roots = [root.name for root in load.roots if counts.get(root.name) and appends(root)]
    part.remember(session, load.package.load_id, roots)


def _load_rows(session: Session, load: Load, schema: Schema) -> dict[str, int]:
    loaded: dict[str, int] = {}
    for root in load.roots:
        family = _family(schema, root, load.package.load_id)
        if not family:
            continue
        _check_not_emptied(session, load, family[0])
        merges = strategy_of(family[0]) is not None
        for table in family:
            if table.name in load.package.files or (merges and session.columns(table.name)):
                session.evolve(table)
        readers = {t.name: _reader(load.package, t) for t in family if t.name in load.package.files}
        loaded.update(session.load(family, readers))
        load.meter.loaded.update(readers)
    return loaded


def _check_not_emptied(session: Session, load: Load, root: Table) -> None:
    empty = retires_absent(root) and not load.package.counts.get(root.name)
    if not empty or load.allow_empty or not session.columns(root.name):
        return
    rows = session.count(root.name)
    if rows:
        raise ContractError(
            f"no rows came for '{root.name}', which holds {rows:,} that would be gone",
            at=load.dataset,
            hint=_ALLOW,
        )


def _family(schema: Schema, root: Table, load_id: str) -> list[Table]:
    """The tables to load, the root as this run has it; `load_id` is the time of new versions."""
    if root.name not in schema.tables:
        return []
    head, *nested = schema.family(root.name)
    head = replace(head, write_disposition=root.write_disposition)
    if strategy_of(head) == SCD2 and not head.hints.get(BOUNDARY):
        now = datetime.fromtimestamp(float(load_id), UTC)
        head = replace(head, hints={**head.hints, BOUNDARY: now})
    return [head, *nested]


def _reader(package: Package, table: Table) -> pa.RecordBatchReader:
    present = package.columns[table.name]
    types = {n: arrow_type(c) for n, c in table.typed_columns().items() if n in present}
    types |= {name: present[name] for name in STAGED if name in present}
    return package.rows(table.name, arrow_schema([*table.columns, *STAGED], types))


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
