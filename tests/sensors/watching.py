"""What a sensor needs to look around, without Dagster: a project, and events to record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from odp_dlt.resources.base import Resource
from odp_dlt.sensors.base import Materialized, Poll, RunEnd, Sensor, Watch, sensors
from odp_dlt.tasks.base import Site
from odp_dlt.tasks.params import validated


@dataclass
class Recorded:
    """Events in the order in which they happened; their numbers count from 1."""

    events: list[Materialized | RunEnd] = field(default_factory=list)

    def materialize(self, asset_key: str, partition: str | None = None) -> None:
        number = len(self.events) + 1
        self.events.append(Materialized(number, asset_key, partition, f"run{number}"))

    def end(self, job: str, status: str = "success", partition: str | None = None) -> None:
        number = len(self.events) + 1
        self.events.append(RunEnd(number, f"run{number}", job, status, partition))

    def materializations(self, asset_key: str, after: int, limit: int) -> Sequence[Materialized]:
        mine = [e for e in self.events if isinstance(e, Materialized) and e.asset_key == asset_key]
        return [e for e in mine if e.number > after][:limit]

    def run_ends(self, status: str, after: int, limit: int) -> Sequence[RunEnd]:
        mine = [e for e in self.events if isinstance(e, RunEnd) and e.status == status]
        return [e for e in mine if e.number > after][:limit]

    def last_materialization(self, asset_key: str) -> int:
        return max((e.number for e in self.materializations(asset_key, 0, 1000)), default=0)

    def last_run_end(self, status: str) -> int:
        return max((e.number for e in self.run_ends(status, 0, 1000)), default=0)


@dataclass
class Watched:
    """A sensor that keeps its cursor from look to look, as Dagster does for it."""

    sensor: Sensor
    watch: Watch
    cursor: str | None = None

    def look(self) -> Poll:
        found = self.sensor.poll(self.cursor, self.watch)
        self.cursor = found.cursor or self.cursor
        return found

    def values(self, name: str) -> list[Any]:
        """One value of each run that a look would start."""
        return [start.values[name] for start in self.look().starts]


def watched(
    root: Path,
    kind: str,
    events: Recorded | None = None,
    resources: Mapping[str, Resource] | None = None,
    **params: Any,
) -> Watched:
    """The sensor `kind` with `params`, as the YAML would have them, in a project at `root`."""
    model = validated(sensors.find(kind), params, root)
    watch = Watch(Site(root, dict(resources or {})), events or Recorded(), "nightly")
    return Watched(model, watch)
