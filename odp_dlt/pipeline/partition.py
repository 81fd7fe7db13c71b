"""Loads that are a part of something: what one has appended, the next one of that part replaces.

Which load brought which part stands in a table of its own beside dlt's, which dlt leaves alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from odp_dlt.destinations.base import Session
from odp_dlt.schema.internal import partitions_table
from odp_dlt.schema.merging import merging
from odp_dlt.schema.model import LOAD_ID, PARTITIONS_TABLE, Schema, Table


@dataclass(frozen=True)
class Part:
    """The part called `name` that a load brings; a load without a name is no part of anything.

    `earlier` are root tables with the ids of the loads that brought the part before.
    """

    name: str | None = None
    earlier: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def found(cls, session: Session, name: str | None) -> "Part":
        """The part `name` as the dataset knows it."""
        if name is None:
            return cls()
        rows = session.read(PARTITIONS_TABLE, where={"partition": name}).to_pylist()  # a few
        earlier: dict[str, list[str]] = {}
        for row in rows:
            earlier.setdefault(row["table_name"], []).append(row[LOAD_ID])
        return cls(name, earlier)

    def remove(self, session: Session, schema: Schema) -> int:
        """Remove what the earlier loads brought; how many root rows that were."""
        gone = 0
        for root, load_ids in self.earlier.items():
            if root in schema.tables:
                gone += session.remove_loads(schema.family(root), load_ids)
        if self.name is not None and self.earlier:
            session.remove(PARTITIONS_TABLE, {"partition": self.name})
        return gone

    def remember(self, session: Session, load_id: str, roots: Sequence[str]) -> None:
        """Note that the load has brought this part into the tables `roots`."""
        if self.name is None or not roots:
            return
        table = partitions_table()
        session.evolve(table)
        rows = pa.table(
            {
                "partition": [self.name] * len(roots),
                "table_name": list(roots),
                LOAD_ID: [load_id] * len(roots),
                "inserted_at": pa.array(
                    [datetime.now(UTC)] * len(roots), pa.timestamp("us", "UTC")
                ),
            }
        )
        session.load([table], {table.name: rows.to_reader()})


def appends(root: Table) -> bool:
    """Whether the rows of a load are added to those that are there."""
    return merging(root) is None and root.write_disposition != "replace"


def moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a run has changed what its sources keep in the state.

    Then it has a cursor of its own and brings only what is new to it: nothing can take its place.
    """
    return bool(_kept(before.get("sources")) != _kept(after.get("sources")))


def _kept(state: Any) -> Any:
    """`state` without the empty places that looking into it has made."""
    if not isinstance(state, Mapping):
        return state
    found = {key: _kept(value) for key, value in state.items()}
    return {key: value for key, value in found.items() if value is not None} or None
