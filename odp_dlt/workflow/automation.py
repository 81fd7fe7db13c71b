"""Jobs and what starts them, as they are written."""

from typing import Annotated, Any, Literal

from pydantic import Field

from odp_dlt.workflow.durations import Duration
from odp_dlt.workflow.entry import Entry, Part


class CronParams(Part):
    """The times of a cron schedule; several may be listed."""

    cron_schedule: str | list[str]
    execution_timezone: str | None = None


class PartitionScheduleParams(Part):
    """When after the end of a window its partition is loaded; `cron_schedule` is for other kinds.

    The names are those of Dagster's partition schedules.
    """

    minute_of_hour: int | None = Field(None, ge=0, le=59)
    hour_of_day: int | None = Field(None, ge=0, le=23)
    day_of_week: int | None = Field(None, ge=0, le=6)
    day_of_month: int | None = Field(None, ge=1, le=31)
    cron_schedule: str | None = None
    execution_timezone: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)


class CronSchedule(Part):
    """Starts the job at fixed times."""

    schedule_kind: Literal["cron"]
    schedule_params: CronParams


class PartitionSchedule(Part):
    """Starts the job once for each partition of its assets."""

    schedule_kind: Literal["partition"]
    schedule_params: PartitionScheduleParams = PartitionScheduleParams()


Schedule = Annotated[CronSchedule | PartitionSchedule, Field(discriminator="schedule_kind")]


class SensorParams(Part):
    """What is watched: `sensor_kind` is a file of `odp_dlt/sensors/`, the params are its fields."""

    sensor_kind: str
    sensor_params: dict[str, Any] = Field(default_factory=dict)


class _Trigger(Part):
    trigger_id: str
    description: str | None = None
    default_status: Literal["running", "stopped"] | None = None
    run_tags: dict[str, str] = Field(default_factory=dict)
    run_config: dict[str, Any] = Field(default_factory=dict)
    owners: list[str] = Field(default_factory=list)


class ScheduleTrigger(_Trigger):
    """A schedule; stopped until someone starts it, unless `default_status` says otherwise."""

    trigger_type: Literal["schedule"]
    params: Schedule
    execution_timezone: str | None = None


class SensorTrigger(_Trigger):
    """A sensor; running, unless `default_status` says otherwise."""

    trigger_type: Literal["sensor"]
    params: SensorParams
    minimum_interval: Duration | None = None


Trigger = Annotated[ScheduleTrigger | SensorTrigger, Field(discriminator="trigger_type")]


class Multiprocess(Part):
    """One process a step, at most `max_concurrent` at once."""

    max_concurrent: int | None = Field(None, ge=1)
    start_method: Literal["spawn", "forkserver"] | None = None


class MultiprocessExecutor(Part):
    """`executor: {multiprocess: {...}}`."""

    multiprocess: Multiprocess


Executor = Literal["in_process", "multiprocess"] | MultiprocessExecutor


class Job(Entry):
    """A named selection of assets, in Dagster's selection syntax, and what starts it."""

    job_id: str
    asset_selection: list[str]
    description: str | None = None
    triggers: list[Trigger] = Field(default_factory=list)
    tags: dict[str, str] = Field(default_factory=dict)
    run_tags: dict[str, str] = Field(default_factory=dict)
    run_config: dict[str, Any] = Field(default_factory=dict)
    executor: Executor | None = None
    max_retries: int | None = Field(None, ge=0)
    owners: list[str] = Field(default_factory=list)


class SodaCheck(Entry):
    """A file of Soda's checks for one asset; the resource `soda` runs it."""

    asset_key: str
    check_file_path: str
    data_source: str
    blocking: bool = True
    description: str | None = None
