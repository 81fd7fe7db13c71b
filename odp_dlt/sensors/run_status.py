"""`sensor_kind: run_status`: runs of other jobs have ended."""

from typing import ClassVar, Literal

from pydantic import Field

from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.sensors.base import Poll, Project, RunEnd, Sensor, Start, Watch

MOST = 100


class RunStatus(Sensor):
    """Starts a run for each run of `jobs` that came to `status`.

    What ended before the first look does not count.
    """

    values: ClassVar[frozenset[str]] = frozenset({"run_id", "job", "status", "partition_key"})

    status: Literal["success", "failure", "canceled"] = "success"
    jobs: list[str] = Field(min_length=1)

    def check(self, project: Project) -> None:
        """That the jobs are some of the project, and not the one that is started."""
        for name in self.jobs:
            if name not in project.jobs:
                raise ConfigError(f"there is no job '{name}'", hint=nearest(name, project.jobs))
            if name == project.job:
                raise ConfigError(f"the job '{name}' would start itself over and over")

    def poll(self, cursor: str | None, watch: Watch) -> Poll:
        """The runs that ended after the one that the cursor names."""
        if cursor is None:
            last = watch.events.last_run_end(self.status)
            return Poll((), str(last), "the first look; what comes after it counts")
        if not cursor.isdigit():
            raise ConfigError(
                "the sensor's cursor is not one that this sensor wrote",
                hint="Reset the cursor of the sensor in Dagster.",
            )
        found = watch.events.run_ends(self.status, int(cursor), MOST)
        mine = [one for one in found if one.job in self.jobs]
        after = str(found[-1].number) if found else cursor
        skipped = None if mine else f"no run with the status {self.status}"
        return Poll(tuple(map(_start, mine)), after, skipped)


def _start(run: RunEnd) -> Start:
    values = {
        "run_id": run.run_id,
        "job": run.job,
        "status": run.status,
        "partition_key": run.partition,
    }
    return Start(run.run_id, values, run.partition)
