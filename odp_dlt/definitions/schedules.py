"""Triggers of the type `schedule` → Dagster's schedules."""

from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg

from odp_dlt.definitions.complete import Partitions, Windows, keys_at, windows_of
from odp_dlt.definitions.jobs import PlannedJob, merged
from odp_dlt.definitions.refused import REFUSED, quiet_about_owners, reason
from odp_dlt.errors import ConfigError
from odp_dlt.workflow.automation import (
    CronParams,
    PartitionSchedule,
    PartitionScheduleParams,
    ScheduleTrigger,
)

_PARAMS = ("params", "schedule_params")
_OFFSETS: dict[str, tuple[str, ...]] = {
    "HOURLY": ("minute_of_hour",),
    "DAILY": ("minute_of_hour", "hour_of_day"),
    "WEEKLY": ("minute_of_hour", "hour_of_day", "day_of_week"),
    "MONTHLY": ("minute_of_hour", "hour_of_day", "day_of_month"),
}
_ALL_OFFSETS = ("minute_of_hour", "hour_of_day", "day_of_week", "day_of_month")

Times = tuple[str | list[str], str | None]
"""Cron expressions, and the time zone that they are in."""


def schedule(planned: PlannedJob, index: int, trigger: ScheduleTrigger) -> dg.ScheduleDefinition:
    """The schedule that the trigger with the number `index` is; ConfigError if it can be none."""
    cron, zone = _times(planned, index, trigger)
    running = trigger.default_status == "running"
    status = dg.DefaultScheduleStatus.RUNNING if running else dg.DefaultScheduleStatus.STOPPED
    try:
        with quiet_about_owners():
            return dg.ScheduleDefinition(
                trigger.trigger_id,
                cron_schedule=cron,
                job=planned.definition,
                execution_fn=_execution(planned, trigger),
                execution_timezone=zone,
                description=trigger.description,
                default_status=status,
                owners=trigger.owners or None,
            )
    except REFUSED as e:
        key: tuple[str, ...] = (*_PARAMS, "cron_schedule")
        if "owner" in str(e):
            key = ("owners",)
        elif zone is not None and zone in str(e):
            key = _place_of_zone(trigger)
        message = f"the schedule '{trigger.trigger_id}' is not possible: {reason(e)}"
        raise ConfigError(message, at=planned.at(index, *key)) from e


def _times(planned: PlannedJob, index: int, trigger: ScheduleTrigger) -> Times:
    said, inner = trigger.execution_timezone, trigger.params.schedule_params.execution_timezone
    if said is not None and inner is not None and said != inner:
        message = f"execution_timezone is '{said}' and '{inner}'"
        at = planned.at(index, *_PARAMS, "execution_timezone")
        raise ConfigError(message, at=at, hint="Keep one of them.")
    zone = said or inner
    params = trigger.params.schedule_params
    if isinstance(params, CronParams):
        return params.cron_schedule, zone
    windows = None if planned.partitions is None else windows_of(planned.partitions)
    if planned.partitions is None:
        raise ConfigError(
            f"the job '{planned.job.job_id}' has no partitions for a partition schedule",
            at=planned.at(index, "params", "schedule_kind"),
            hint="Give its assets partitions, or write `schedule_kind: cron`.",
        )
    if windows is None:
        return _times_without_windows(planned, index, params, zone)
    return _times_of_windows(planned, index, trigger, windows)


def _place_of_zone(trigger: ScheduleTrigger) -> tuple[str, ...]:
    own = trigger.execution_timezone is not None
    return ("execution_timezone",) if own else (*_PARAMS, "execution_timezone")


def _times_without_windows(
    planned: PlannedJob, index: int, params: PartitionScheduleParams, zone: str | None
) -> Times:
    """Of a job whose partitions are keys: the times must be said."""
    for name in _ALL_OFFSETS:
        if getattr(params, name) is not None:
            raise ConfigError(
                f"the job's partitions have no times that `{name}` could move",
                at=planned.at(index, *_PARAMS, name),
                hint="Write all of it as `cron_schedule`.",
            )
    if params.cron_schedule is None:
        raise ConfigError(
            "a partition schedule needs `cron_schedule` where the partitions have no times",
            at=planned.at(index, *_PARAMS),
            hint="Write when all partitions are to be loaded.",
        )
    return params.cron_schedule, zone


def _times_of_windows(
    planned: PlannedJob, index: int, trigger: ScheduleTrigger, windows: Windows
) -> Times:
    """Of a job whose partitions are windows: the end of each, later by the offsets."""
    params = trigger.params.schedule_params
    kind = windows.schedule_type
    allowed = () if kind is None else _OFFSETS[kind.name]
    takes = ", ".join(allowed) or "nothing else"
    zone = trigger.execution_timezone or params.execution_timezone
    wrong: dict[str, tuple[str, ...]] = {
        name: (*_PARAMS, name)
        for name in ("cron_schedule", *_ALL_OFFSETS)
        if name not in allowed and getattr(params, name) is not None
    }
    if zone is not None and zone != windows.timezone:
        wrong["execution_timezone"] = _place_of_zone(trigger)
    for name, path in wrong.items():
        raise ConfigError(
            f"a schedule of these partitions has no `{name}`: it starts when a window has ended",
            at=planned.at(index, *path),
            hint=f"It takes {takes}. For other times write `schedule_kind: cron`.",
        )
    offsets = {name: getattr(params, name) for name in allowed}
    return windows.get_cron_schedule(**offsets), windows.timezone


def _execution(planned: PlannedJob, trigger: ScheduleTrigger) -> Callable[..., Any]:
    """What the schedule does at one of its times."""
    params = trigger.params.schedule_params
    once = isinstance(trigger.params, PartitionSchedule)
    tags = {**getattr(params, "tags", {}), **trigger.run_tags}
    config = merged(planned.job.run_config, trigger.run_config)
    partitions: Partitions | None = planned.partitions

    def evaluate(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        if partitions is None:
            yield dg.RunRequest(run_config=config, tags=tags)
            return
        keys = keys_at(partitions, context.scheduled_execution_time, context.instance, once=once)
        for key in keys:
            yield dg.RunRequest(run_key=key, partition_key=key, run_config=config, tags=tags)
        if not keys:
            new = "new since the time before" if once and windows_of(partitions) else "complete yet"
            yield dg.SkipReason(f"No partition is {new}.")

    return evaluate
