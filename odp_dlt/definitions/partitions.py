"""Partitions of the workflow files → Dagster's."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import dagster as dg

from odp_dlt.errors import ConfigError
from odp_dlt.workflow.models import (
    DimensionParams,
    Entry,
    PartitionParams,
    Position,
    Workflow,
)

T = TypeVar("T")
Partitions = dg.PartitionsDefinition[Any]
At = Callable[..., Position]
"""The position of a key of the params."""

_DATE, _HOUR = "%Y-%m-%d", "%Y-%m-%d-%H:%M"
_NOT_OF_WINDOWS = {"type", "schedule_type", "keys", "name", "dimensions"}


def partitions_by_asset(workflow: Workflow, problems: list[ConfigError]) -> dict[str, Partitions]:
    """Asset key → its partitions; what cannot be one is added to `problems`."""
    found: dict[str, Partitions] = {}
    for entry, path, params, assets in _written(workflow):
        try:
            definition = partitions(params, lambda *key, e=entry, p=path: e.origin.at(*p, *key))
        except ConfigError as e:
            problems.append(e)
            continue
        found.update(dict.fromkeys(assets, definition))
    return found


def partitions(params: PartitionParams, at: At) -> Partitions:
    """The partitions that `params` describe; ConfigError with their place if that is none."""
    if params.dimensions is None:
        return _dimension(params, at)
    made = {
        name: _dimension(one, lambda *key, n=name: at("dimensions", n, *key))
        for name, one in params.dimensions.items()
    }
    return _or_refused(lambda: dg.MultiPartitionsDefinition(made), at)


def _written(
    workflow: Workflow,
) -> Iterator[tuple[Entry, tuple[str, ...], PartitionParams, list[str]]]:
    for partition in workflow.partitions:
        yield partition, ("params",), partition.params, partition.assets
    for asset in workflow.assets:
        if asset.partition is not None:
            yield asset, ("partition",), asset.partition, [asset.asset_key]


def _dimension(params: DimensionParams, at: At) -> Partitions:
    if params.type == "static":
        return _or_refused(lambda: dg.StaticPartitionsDefinition(params.keys or []), at)
    if params.type == "dynamic":
        return dg.DynamicPartitionsDefinition(name=params.name)
    return time_windows(params, at)


def time_windows(params: DimensionParams, at: At) -> dg.TimeWindowPartitionsDefinition:
    """The time windows that `params` describe; ConfigError with their place if that is none."""
    if params.cron_schedule is not None or params.exclusions:
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
    if kind is dg.TimeWindowPartitionsDefinition and params.schedule_type is not None:
        given["schedule_type"] = dg.ScheduleType[params.schedule_type]
        if params.schedule_type == "MONTHLY":
            given.setdefault("day_offset", 1)
    for name in given:
        if name not in accepted:
            raise ConfigError(f"{params.schedule_type} partitions have no '{name}'", at=at(name))

    def make() -> dg.TimeWindowPartitionsDefinition:
        made: dg.TimeWindowPartitionsDefinition = kind(**given)
        made.get_first_partition_window()
        return made

    return _or_refused(make, at)


def _or_refused(make: Callable[[], T], at: At) -> T:
    try:
        return make()
    except (dg.DagsterError, ValueError, KeyError) as e:  # KeyError: of an unknown time zone
        raise ConfigError(f"these partitions are not possible: {e}", at=at()) from e


def _given(params: DimensionParams, start: str) -> dict[str, Any]:
    """What is written, by the names of Dagster's parameters."""
    names = {"start": start, "end": "end" if start == "start" else "end_date"}
    written = params.model_dump(exclude=_NOT_OF_WINDOWS, exclude_none=True)
    fmt = _HOUR if params.schedule_type == "HOURLY" else _DATE
    return {"fmt": fmt} | {names.get(name, name): value for name, value in written.items()}
