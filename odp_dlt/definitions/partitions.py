"""`partitions` of the workflow files → Dagster's time-window partitions."""

import inspect
from typing import Any

import dagster as dg

from odp_dlt.errors import ConfigError
from odp_dlt.workflow.models import PartitionParams, Workflow

_DATE, _HOUR = "%Y-%m-%d", "%Y-%m-%d-%H:%M"


def partitions_by_asset(
    workflow: Workflow, problems: list[ConfigError]
) -> dict[str, dg.PartitionsDefinition[str]]:
    """Asset key → its partitions; what cannot be one is added to `problems`."""
    found: dict[str, dg.PartitionsDefinition[str]] = {}
    for partition in workflow.partitions:
        try:
            definition = time_windows(partition.params)
        except ConfigError as e:
            problems.append(e)
            continue
        found.update(dict.fromkeys(partition.assets, definition))
    return found


def time_windows(params: PartitionParams) -> dg.TimeWindowPartitionsDefinition:
    """The partitions that `params` describe; ConfigError with their place if that is none."""
    if params.cron_schedule is not None:
        kind: Any = dg.TimeWindowPartitionsDefinition
    else:
        kind = {
            "HOURLY": dg.HourlyPartitionsDefinition,
            "DAILY": dg.DailyPartitionsDefinition,
            "WEEKLY": dg.WeeklyPartitionsDefinition,
            "MONTHLY": dg.MonthlyPartitionsDefinition,
        }[str(params.schedule_type)]
    accepted = inspect.signature(kind.__new__).parameters
    given = _given(params, "start" if "start" in accepted else "start_date")
    for name in given:
        if name not in accepted:
            raise ConfigError(
                f"{params.schedule_type} partitions have no '{name}'", at=params.origin.at(name)
            )
    try:
        made: dg.TimeWindowPartitionsDefinition = kind(**given)
        made.get_first_partition_window()
    except (dg.DagsterError, ValueError, KeyError) as e:  # KeyError: of an unknown time zone
        raise ConfigError(f"these partitions are not possible: {e}", at=params.origin.at()) from e
    return made


def _given(params: PartitionParams, start: str) -> dict[str, Any]:
    """What is written, by the names of Dagster's parameters."""
    names = {"start": start, "end": "end" if start == "start" else "end_date"}
    written = params.model_dump(exclude={"schedule_type"}, exclude_none=True)
    fmt = _HOUR if params.schedule_type == "HOURLY" else _DATE
    return {"fmt": fmt} | {names.get(name, name): value for name, value in written.items()}
