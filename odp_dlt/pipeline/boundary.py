"""The keys of rows at a cursor's last value, where there are more than the state should hold.

dlt keeps them all in its state. Here the state keeps as many as fit, and one row of a table of ours
the rest, so a state stays small and dlt can still read it. The row is named by a hash of all keys
and of the last value: if dlt has moved the cursor meanwhile, it does not fit any more and is left.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from odp_dlt.destinations.base import Session
from odp_dlt.pipeline.state import State, state_hash
from odp_dlt.schema.model import Column, Table

logger = logging.getLogger(__name__)

TABLE = "_odp_cursor_keys"
BUDGET = 48 * 1024
"""How many bytes of the state one resource's keys may take; all of it stays below 64 kB."""

_KEYS = "unique_hashes"
_MORE = "unique_hashes_more"


@dataclass(frozen=True)
class Overflow:
    """Keys that the state does not hold, by the name of their row."""

    rows: Mapping[str, list[str]]

    def write(self, session: Session, before: State) -> None:
        """Append the rows that are not there for `before`, the whole state until now."""
        there = stored(before)[1].rows
        new = {name: keys for name, keys in self.rows.items() if name not in there}
        if new:
            table = _table()
            rows = pa.table({"id": list(new), "keys": ["\n".join(keys) for keys in new.values()]})
            session.evolve(table)
            session.load([table], {TABLE: rows.to_reader()})


def stored(state: State) -> tuple[State, Overflow]:
    """`state` as it is to be stored, and the keys that it then lacks."""
    if not any(_too_many(cursors) for cursors in _resources(state)):
        return state, Overflow({})
    rows: dict[str, list[str]] = {}
    sources = {
        source: {**kept, "resources": _each_resource(kept.get("resources", {}), rows)}
        if "resources" in kept
        else kept
        for source, kept in state["sources"].items()
    }
    return {**state, "sources": sources}, Overflow(rows)


def whole(state: State, session: Session) -> State:
    """`state`, just read, with the keys that stand in the table; it is changed in place."""
    for cursors in _resources(state):
        for path, cursor in cursors.items():
            name = cursor.pop(_MORE, None)
            if name is None:
                continue
            found = session.read(TABLE, where={"id": name})
            keys = str(found.column("keys")[0].as_py()).split("\n") if found.num_rows else []
            if _name(cursor, [*cursor[_KEYS], *keys]) == name:
                cursor[_KEYS] = [*cursor[_KEYS], *keys]
            else:
                logger.warning("the cursor '%s' was moved by dlt, or its keys are gone", path)
    return state


def _each_resource(resources: Mapping[str, Any], rows: dict[str, list[str]]) -> dict[str, Any]:
    return {
        name: {**kept, "incremental": _fitting(kept["incremental"], rows)}
        if _too_many(kept.get("incremental", {}))
        else kept
        for name, kept in resources.items()
    }


def _fitting(cursors: Mapping[str, Any], rows: dict[str, list[str]]) -> dict[str, Any]:
    fits = BUDGET // len(cursors)
    found = {}
    for path, cursor in cursors.items():
        keys = cursor.get(_KEYS) or []
        count = fits // (len(keys[0]) + 3) if keys else 0
        found[path] = cursor
        if len(keys) > count:
            name = _name(cursor, keys)
            rows[name] = keys[count:]
            found[path] = {**cursor, _KEYS: keys[:count], _MORE: name}
    return found


def _too_many(cursors: Mapping[str, Any]) -> bool:
    keys = (key for cursor in cursors.values() for key in (cursor.get(_KEYS) or [])[:1])
    longest = max((len(key) for key in keys), default=0)
    return sum(len(c.get(_KEYS) or []) for c in cursors.values()) * (longest + 3) > BUDGET


def _resources(state: State) -> Iterator[dict[str, Any]]:
    """The cursors of each resource by their paths."""
    for source in state.get("sources", {}).values():
        for resource in source.get("resources", {}).values():
            cursors = resource.get("incremental") if isinstance(resource, dict) else None
            if isinstance(cursors, dict):
                yield cursors


def _name(cursor: Mapping[str, Any], keys: list[str]) -> str:
    return state_hash({"last_value": cursor.get("last_value"), "keys": keys})


def _table() -> Table:
    columns = [Column(name, "text", nullable=False) for name in ("id", "keys")]
    return Table(TABLE, {column.name: column for column in columns}, write_disposition="append")
