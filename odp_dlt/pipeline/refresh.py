"""Loading a source anew: its tables, its schema and its state dropped in the load's own commit.

A run that fails has dropped nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from odp_dlt.destinations.base import Session
from odp_dlt.errors import ConfigError
from odp_dlt.extract.source import Source
from odp_dlt.pipeline.recall import Memory
from odp_dlt.pipeline.state import State
from odp_dlt.registry import nearest
from odp_dlt.schema.model import PARTITIONS_TABLE, VERSION_TABLE, Schema, Table

DROP_SOURCES = "drop_sources"
DROP_RESOURCES = "drop_resources"
DROP_DATA = "drop_data"
DROP_STATE = "drop_state"
MODES = (DROP_SOURCES, DROP_RESOURCES, DROP_DATA, DROP_STATE)


@dataclass(frozen=True)
class Refresh:
    """What a run forgets before it loads: nothing without a `mode`.

    `drop_sources` drops all tables of the source, its schema and its state; `drop_resources` the
    tables of `resources` and their state; `drop_data` their rows and their state; `drop_state`,
    which dlt does not have, their state alone.
    """

    mode: str | None = None
    source: str = ""
    resources: tuple[str, ...] = ()

    def forgotten(self, memory: Memory) -> Memory:
        """`memory` without what this forgets; as it is for a run that refreshes nothing."""
        if self.mode is None:
            return memory
        schema = memory.schema
        if schema is not None and self.drops:
            gone = {table.name for table in self._tables(schema)}
            kept = {name: table for name, table in schema.tables.items() if name not in gone}
            schema = replace(schema, tables=kept)
        if self.mode == DROP_SOURCES:
            schema = None
        return Memory(None if memory.state is None else self._without(memory.state), schema)

    @property
    def drops(self) -> bool:
        """Whether tables go, and not just their rows."""
        return self.mode in (DROP_SOURCES, DROP_RESOURCES)

    def apply(self, session: Session, stored: Schema | None) -> list[str]:
        """Drop or empty the tables of `stored`, the schema of the dataset; their names.

        Of a schema that loses tables, the versions before are forgotten too, as dlt has it.
        """
        if self.mode in (None, DROP_STATE) or stored is None:
            return []
        there = [table.name for table in self._tables(stored) if session.columns(table.name)]
        for name in there:
            session.remove(PARTITIONS_TABLE, {"table_name": name})
        for name in reversed(there):
            if self.drops:
                session.drop(name)
            else:
                session.remove(name)
        if self.drops:
            session.remove(VERSION_TABLE, {"schema_name": stored.name})
        return there

    def _tables(self, schema: Schema) -> list[Table]:
        """Parents first."""
        if self.mode == DROP_SOURCES:
            return schema.data_tables()
        return [table for name in self.resources for table in schema.tables_of(name)]

    def _without(self, state: State) -> State:
        sources: Mapping[str, Any] = state.get("sources", {})
        kept = sources.get(self.source)
        if kept is None:
            return state
        others = {name: each for name, each in sources.items() if name != self.source}
        if self.mode == DROP_SOURCES:
            return {**state, "sources": others}
        resources = kept.get("resources", {})
        left = {name: each for name, each in resources.items() if name not in self.resources}
        return {**state, "sources": {**others, self.source: {**kept, "resources": left}}}


def checked_mode(mode: str | None) -> str | None:
    """`mode`; ConfigError if there is no such one."""
    if mode is not None and mode not in MODES:
        raise ConfigError(f"there is no refresh '{mode}'", hint=nearest(mode, MODES))
    return mode


def refresh_of(mode: str | None, source: Source) -> Refresh:
    """What a run of `source` forgets. ConfigError for a mode that is none."""
    if checked_mode(mode) is None:
        return Refresh()
    names = {r.name for chosen in source.selected_resources.values() for r in _line(chosen)}
    return Refresh(mode, source.name, tuple(sorted(names)))


def _line(resource: Any) -> Iterator[Any]:
    """A resource, and what feeds it: that is extracted too, and may keep a cursor."""
    while resource is not None:
        yield resource
        resource = resource.parent
