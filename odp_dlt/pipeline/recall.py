"""What the destination remembers of a pipeline: its state and the schema last loaded."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow as pa

from odp_dlt.destinations.base import Session
from odp_dlt.errors import StateMoved
from odp_dlt.pipeline.boundary import whole
from odp_dlt.pipeline.state import State, load_state
from odp_dlt.schema.model import VERSION_TABLE, Column, Schema, Table
from odp_dlt.schema.stored import ENGINE_VERSION, bump, dump_json, load_json


@dataclass(frozen=True)
class Memory:
    """State and schema as they were when a run began; None where there was none."""

    state: State | None
    schema: Schema | None


def recall(session: Session, pipeline: str, schema_name: str) -> Memory:
    """What the dataset remembers; both are None in a new one."""
    state = load_state(session, pipeline)
    known = None if state is None else whole(state, session)
    return Memory(known, stored_schema(session, schema_name))


def stored_schema(session: Session, name: str) -> Schema | None:
    """The newest schema called `name` in the dataset."""
    rows = session.read(VERSION_TABLE, where={"schema_name": name}, newest_by="inserted_at")
    if not rows.num_rows:
        return None
    return load_json(rows.column("schema")[0].as_py(), at=VERSION_TABLE)


def is_stored(session: Session, schema: Schema) -> bool:
    """Whether this very content was stored before, in whatever order of versions."""
    where = {"schema_name": schema.name, "version_hash": schema.version_hash}
    return bool(session.read(VERSION_TABLE, where=where).num_rows)


def moved_schema(ours: Schema, theirs: Schema | None) -> Schema:
    """The schema to store: what this run added, on top of what is there now.

    StateMoved if both gave one column different types: the rows must then be normalized again.
    """
    if theirs is None or theirs.version_hash == ours.version_hash:
        return bump(ours)
    tables = [_merged(table, theirs.tables.get(table.name)) for table in ours.tables.values()]
    merged = replace(
        theirs,
        settings=ours.settings,
        normalizers=ours.normalizers,
        imported_hash=ours.imported_hash or theirs.imported_hash,
    )
    return bump(merged.with_tables(tables))


def _merged(ours: Table, theirs: Table | None) -> Table:
    if theirs is None:
        return ours
    for name, column in theirs.typed_columns().items():
        mine = ours.columns.get(name, column)
        if mine.data_type not in (None, column.data_type):
            raise StateMoved(
                f"another run made column '{name}' of table '{ours.name}' {column.data_type}, "
                f"here it is {mine.data_type}",
                hint="Nothing was written; run again to load with the column as it is now.",
            )
    columns: dict[str, Column] = {**theirs.columns, **ours.columns}
    return replace(ours, columns=columns, seen_data=ours.seen_data or theirs.seen_data)


def version_row(schema: Schema) -> pa.Table:
    """The row of `_dlt_version` that keeps `schema`."""
    return pa.table(
        {
            "version": pa.array([schema.version], pa.int64()),
            "engine_version": pa.array([ENGINE_VERSION], pa.int64()),
            "inserted_at": pa.array([datetime.now(UTC)], pa.timestamp("us", tz="UTC")),
            "schema_name": [schema.name],
            "version_hash": [schema.version_hash],
            "schema": [dump_json(schema)],
        }
    )


def load_row(load_id: str, schema: Schema) -> pa.Table:
    """The row of `_dlt_loads` that says a load is complete."""
    return pa.table(
        {
            "load_id": [load_id],
            "schema_name": [schema.name],
            "status": pa.array([0], pa.int64()),
            "inserted_at": pa.array([datetime.now(UTC)], pa.timestamp("us", tz="UTC")),
            "schema_version_hash": [schema.version_hash],
        }
    )
