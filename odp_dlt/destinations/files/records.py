"""dlt's own rows beside the data: one small JSON file each, in dlt's folders and names."""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa

from odp_dlt.destinations.files.manifest import File
from odp_dlt.destinations.files.store import Store
from odp_dlt.errors import DestinationError
from odp_dlt.schema.internal import new_schema, partitions_table, state_table
from odp_dlt.schema.model import (
    ID,
    LOADS_TABLE,
    PARTITIONS_TABLE,
    STATE_TABLE,
    VERSION_TABLE,
    Column,
)
from odp_dlt.schema.types import arrow_type

INIT = "init"
INIT_CONTENT = b'{"initial_version":2,"current_version":2}'

_LONGEST_KEY = 200  # longer values (the schema, the state) are read from the file when asked for


def is_record(table: str) -> bool:
    """Whether `table` is one of dlt's three, or the one beside them."""
    return table in (LOADS_TABLE, VERSION_TABLE, STATE_TABLE, PARTITIONS_TABLE)


def record_columns(table: str) -> dict[str, Column]:
    """The columns of such a table, without the row id: the files do not have it."""
    if table == PARTITIONS_TABLE:
        return dict(partitions_table().columns)
    found = state_table() if table == STATE_TABLE else new_schema("records").tables[table]
    return {name: column for name, column in found.columns.items() if name != ID}


def record_file(table: str, row: Mapping[str, Any]) -> tuple[File, bytes]:
    """The file for one row, and its content."""
    kept = {name: _plain(row[name]) for name in record_columns(table) if name in row}
    data = orjson.dumps(kept)
    path = f"{table}/{_name(table, kept)}.jsonl"
    return File(path, 1, len(data), _keys(kept)), data


def read_record(store: Store, path: str) -> tuple[File, dict[str, Any]]:
    """A file that dlt, or `record_file`, wrote, and its row. DestinationError if it is gone."""
    data = store.read(path)
    if data is None:
        raise DestinationError(f"'{path}' is gone", at=store.uri)
    try:
        row: dict[str, Any] = orjson.loads(data)
    except ValueError as e:
        raise DestinationError(f"'{path}' holds no JSON: {e}", at=store.uri) from e
    return File(path, 1, len(data), _keys(row)), row


def chosen(
    rows: Mapping[str, Mapping[str, Any]], where: Mapping[str, str], newest_by: str | None
) -> list[str]:
    """Of `rows`, by path, those whose values equal `where`; with `newest_by` the newest of them."""
    found = [
        path
        for path, row in rows.items()
        if all(str(row.get(name)) == value for name, value in where.items())
    ]
    if newest_by and found:
        return [max(found, key=lambda path: _order(rows[path].get(newest_by)))]
    return found


def as_table(table: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of such files as the columns that the table has elsewhere."""
    arrays = {
        name: pa.array([_typed(row.get(name), column) for row in rows], arrow_type(column))
        for name, column in record_columns(table).items()
    }
    return pa.table(arrays)


def record_load_id(path: str) -> str:
    """The load id in the name of a file of `_dlt_loads`."""
    return path.rpartition("__")[2].removesuffix(".jsonl")


def rows_of(table: pa.Table) -> Iterator[dict[str, Any]]:
    """The rows of a small table."""
    yield from table.to_pylist()


def _name(table: str, row: Mapping[str, Any]) -> str:
    if table == LOADS_TABLE:
        return f"{row['schema_name']}__{row['load_id']}"
    if table == STATE_TABLE:
        return f"{row['pipeline_name']}__{row['_dlt_load_id']}__{_hex(row['version_hash'])}"
    if table == PARTITIONS_TABLE:
        part = hashlib.sha256(f"{row['partition']}\n{row['table_name']}".encode()).hexdigest()
        return f"{part[:32]}__{row['_dlt_load_id']}"
    moment = datetime.fromisoformat(row["inserted_at"]).timestamp()
    return f"{row['schema_name']}__{moment}__{_hex(row['version_hash'])}"


def _hex(text: str | None) -> str:
    """A hash that is base64 elsewhere, as a name of a file can hold it."""
    try:
        return base64.b64decode(text or "").hex()
    except binascii.Error:
        return (text or "").encode().hex()


def _keys(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if not isinstance(v, str) or len(v) <= _LONGEST_KEY}


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _typed(value: Any, column: Column) -> Any:
    if column.data_type == "timestamp" and isinstance(value, str):
        return datetime.fromisoformat(value)
    return value


def _order(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).astimezone(UTC).timestamp()
        except ValueError:
            return value
    return value
