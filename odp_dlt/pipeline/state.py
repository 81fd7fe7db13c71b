"""The pipeline's memory, in dlt's encoding, kept in the destination and moved by compare-and-set.

A state is dlt's dictionary; `sources` in it is what the user's code and the cursors keep. It is
read before a run and written in the commit of the run's rows. If another run has moved it
meanwhile, changes to different parts of it are merged, and a change to the same part ends in
StateMoved: those rows were loaded by the other run already, perhaps.
"""

import base64
import copy
import hashlib
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pyarrow as pa

from odp_dlt.destinations.base import Session
from odp_dlt.errors import DestinationError, StateMoved
from odp_dlt.normalize.ids import random_ids
from odp_dlt.schema.model import STATE_TABLE

ENGINE_VERSION = 4
_UNHASHED = frozenset({"_local", "_state_version", "_state_engine_version", "_version_hash"})

# dlt marks what JSON has no type for by one character of the private use area, then its text.
_DECIMAL, _MOMENT, _DATE, _UUID, _HEX, _BASE64, _TIME = (
    chr(c) for c in (*range(0xF026, 0xF02C), 0xF02D)
)
_WEI = chr(0xF02C)

State = dict[str, Any]


def fresh_state(pipeline: str, dataset: str, schema: str, destination: str) -> State:
    """The state of a pipeline that was never run."""
    return {
        "_state_version": 0,
        "_state_engine_version": ENGINE_VERSION,
        "pipeline_name": pipeline,
        "schema_names": [schema],
        "dataset_name": dataset,
        "default_schema_name": schema,
        "destination_type": f"dlt.destinations.{destination}",
        "destination_name": None,
    }


def load_state(session: Session, pipeline: str) -> State | None:
    """The newest state of `pipeline` in the dataset; None if it has none."""
    rows = session.read(STATE_TABLE, where={"pipeline_name": pipeline}, newest_by="version")
    if not rows.num_rows:
        return None
    return decode(str(rows.column("state")[0].as_py()))


def moved_state(base: State, ours: State, theirs: State | None) -> State:
    """The state to write: what this run changed from `base`, on top of what is there now."""
    if theirs is None:
        return copy.deepcopy(ours)
    merged: State = _merged(base, ours, theirs, ())
    merged["_state_version"] = theirs["_state_version"]
    merged["_version_hash"] = theirs.get("_version_hash")
    return merged


def next_version(state: State) -> State | None:
    """`state` with its hash and the next version; None if its content is what was stored."""
    now = state_hash(state)
    if now == state.get("_version_hash"):
        return None
    return {**state, "_version_hash": now, "_state_version": state["_state_version"] + 1}


def state_row(state: State, load_id: str) -> pa.Table:
    """The row of `_dlt_pipeline_state` that keeps `state`."""
    return pa.table(
        {
            "version": pa.array([state["_state_version"]], pa.int64()),
            "engine_version": pa.array([state["_state_engine_version"]], pa.int64()),
            "pipeline_name": [state["pipeline_name"]],
            "state": [encode(state)],
            "created_at": pa.array([datetime.now(UTC)], pa.timestamp("us", tz="UTC")),
            "version_hash": [state["_version_hash"]],
            "_dlt_load_id": [load_id],
            "_dlt_id": random_ids(1),
        }
    )


def state_hash(state: State) -> str:
    """dlt's hash of what a state says: base64 of sha3-256 over its JSON with sorted keys."""
    content = {key: value for key, value in state.items() if key not in _UNHASHED}
    text = orjson.dumps(_marked(content), option=orjson.OPT_SORT_KEYS)
    return base64.b64encode(hashlib.sha3_256(text).digest()).decode()


def encode(state: State) -> str:
    """`state` as the text in `_dlt_pipeline_state.state`: base64 of compressed JSON."""
    kept = {key: value for key, value in state.items() if key != "_local"}
    return base64.b64encode(zlib.compress(orjson.dumps(_marked(kept)), 9)).decode()


def decode(text: str) -> State:
    """The state that `encode`, or dlt, made `text` of."""
    try:
        state: State = _unmarked(orjson.loads(zlib.decompress(base64.b64decode(text))))
    except (ValueError, zlib.error) as e:
        raise DestinationError(
            f"the newest row of {STATE_TABLE} does not hold a pipeline state: {e}",
            hint="Delete that row; the state before it is then the newest.",
        ) from e
    return state


def _merged(base: Any, ours: Any, theirs: Any, path: tuple[str, ...]) -> Any:
    if ours == base or path in {("_state_version",), ("_version_hash",)}:
        return copy.deepcopy(theirs)
    if theirs == base or (theirs == ours and path[:1] != ("sources",)):
        return copy.deepcopy(ours)  # but two equal moves of a cursor are two loads of the same rows
    if path == ("schema_names",):
        return [*theirs, *(name for name in ours if name not in theirs)]
    if isinstance(ours, dict) and isinstance(theirs, dict):
        before = base if isinstance(base, dict) else {}
        keys = [*theirs, *(key for key in ours if key not in theirs)]
        pairs = {k: _merged(before.get(k), ours.get(k), theirs.get(k), (*path, k)) for k in keys}
        return {
            key: value
            for key, value in pairs.items()
            if value is not None or theirs.get(key, 0) is None
        }
    raise StateMoved(
        f"another run moved the state '{'.'.join(path)}' while this one was extracting",
        hint="Nothing was written; run again to go on from where the other run ended.",
    )


_MARKS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (datetime, lambda v: _MOMENT + v.isoformat()),
    (date, lambda v: _DATE + v.isoformat()),
    (time, lambda v: _TIME + v.isoformat()),
    (Decimal, lambda v: _DECIMAL + str(v)),
    (UUID, lambda v: _UUID + str(v)),
    (bytes, lambda v: _BASE64 + base64.b64encode(v).decode()),
)


def _marked(value: Any) -> Any:
    """`value` as plain JSON, with dlt's marks."""
    if isinstance(value, Mapping):
        return {str(key): _marked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_marked(item) for item in value]
    return next((mark(value) for kind, mark in _MARKS if isinstance(value, kind)), value)


_UNMARK = {
    _MOMENT: datetime.fromisoformat,
    _DATE: date.fromisoformat,
    _TIME: time.fromisoformat,
    _DECIMAL: Decimal,
    _WEI: Decimal,
    _UUID: UUID,
    _HEX: bytes.fromhex,
    _BASE64: base64.b64decode,
}


def _unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unmarked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmarked(item) for item in value]
    if isinstance(value, str) and value[:1] in _UNMARK:
        try:
            return _UNMARK[value[0]](value[1:])
        except (ValueError, ArithmeticError):
            return value  # a user's text that begins with such a character
    return value
