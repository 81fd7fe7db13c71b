"""What a run did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from odp_dlt.schema.model import Schema


@dataclass(frozen=True)
class TableLoad:
    """One table after a run: `rows` were loaded now, `total` is what it holds.

    `columns` are the real ones: name → the destination's type, in order.
    """

    name: str
    rows: int
    total: int
    address: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class LoadInfo:
    """One run of a pipeline: `load_id` None means that there was nothing to load.

    `discarded` counts what contracts left out: rows by `table`, values by `table.column`. `tables`
    holds every table of the resources that ran and that exists now, 0 rows included;
    `seconds` the time of the phases `extract`, `normalize` and `load`, of which the first two
    overlap.
    """

    pipeline_name: str
    dataset_name: str
    destination_name: str
    location: str
    load_id: str | None
    schema: Schema
    started_at: datetime
    finished_at: datetime
    seconds: Mapping[str, float] = field(default_factory=dict)
    tables: Mapping[str, TableLoad] = field(default_factory=dict)
    others: Sequence["LoadInfo"] = ()
    discarded: Mapping[str, int] = field(default_factory=dict)

    @property
    def loads_ids(self) -> list[str]:
        """The ids of all loads of the run: one for each source that had something to load."""
        return [info.load_id for info in (self, *self.others) if info.load_id is not None]

    @property
    def row_counts(self) -> dict[str, int]:
        """Table name → rows loaded by this run."""
        return {t.name: t.rows for info in (self, *self.others) for t in info.tables.values()}

    def __str__(self) -> str:
        took = (self.finished_at - self.started_at).total_seconds()
        ids = self.loads_ids
        lines = [
            f"Pipeline {self.pipeline_name} loaded {len(ids)} package(s) in {took:.2f} seconds "
            f"to {self.destination_name} ({self.location}), dataset {self.dataset_name}"
        ]
        for info in (self, *self.others):
            lines += [
                f"  {t.address}: {t.rows} row(s), {t.total} in all" for t in info.tables.values()
            ]
        return "\n".join(lines)
