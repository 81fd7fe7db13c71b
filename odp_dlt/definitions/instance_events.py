"""What a Dagster instance has recorded, as sensors see it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from odp_dlt.sensors.base import Materialized, RunEnd

PARTITION = "dagster/partition"
_ENDS = {
    "success": dg.DagsterEventType.RUN_SUCCESS,
    "failure": dg.DagsterEventType.RUN_FAILURE,
    "canceled": dg.DagsterEventType.RUN_CANCELED,
}


@dataclass(frozen=True)
class InstanceEvents:
    """The events of `instance`; runs only of the code location `location`, if that is known."""

    instance: dg.DagsterInstance
    location: str | None = None

    def materializations(self, asset_key: str, after: int, limit: int) -> Sequence[Materialized]:
        """The materializations of an asset."""
        key = dg.AssetKey(asset_key.split("/"))
        wanted = dg.AssetRecordsFilter(asset_key=key, after_storage_id=after)
        records = self.instance.fetch_materializations(wanted, limit, ascending=True).records
        return [
            Materialized(record.storage_id, asset_key, record.partition_key, record.run_id)
            for record in records
        ]

    def run_ends(self, status: str, after: int, limit: int) -> Sequence[RunEnd]:
        """The runs that came to a status."""
        wanted: Any = dg.RunStatusChangeRecordsFilter(_ENDS[status], after_storage_id=after)  # type: ignore[arg-type]
        found = self.instance.fetch_run_status_changes(wanted, limit, ascending=True).records
        return list(self._ends(found, status))

    def last_materialization(self, asset_key: str) -> int:
        """The number of the newest one of an asset; 0 if there is none."""
        key = dg.AssetKey(asset_key.split("/"))
        records = self.instance.fetch_materializations(key, 1).records
        return records[0].storage_id if records else 0

    def last_run_end(self, status: str) -> int:
        """The number of the newest one that came to a status; 0 if there is none."""
        records = self.instance.fetch_run_status_changes(_ENDS[status], 1).records
        return records[0].storage_id if records else 0

    def _ends(self, records: Sequence[Any], status: str) -> Iterator[RunEnd]:
        for record in records:
            run = self.instance.get_run_by_id(record.run_id)
            if run is None:  # deleted since
                continue
            partition = run.tags.get(PARTITION)
            origin = run.remote_job_origin
            here = origin.location_name if origin else self.location
            job = run.job_name if self.location in (None, here) else ""
            yield RunEnd(record.storage_id, run.run_id, job, status, partition)
