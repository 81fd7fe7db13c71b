"""What must hold between the entries of all files, and in one beyond the types of its keys."""

import re
from collections.abc import Iterator, Sequence

from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.workflow.models import (
    Asset,
    DimensionParams,
    Entry,
    Job,
    Partition,
    PartitionParams,
    Position,
    ResourceConfig,
)
from odp_dlt.workflow.positions import KeyPath

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]")
_NAME_KEYS = {"key": ("name",)}
_NAME_HINTS = {"key": "Give one of them another `name`; assets choose it under `resources`."}
_WINDOW_KEYS = (
    "start", "end", "schedule_type", "cron_schedule", "timezone", "fmt", "minute_offset",
    "hour_offset", "day_offset", "end_offset", "exclusions",
)  # fmt: skip


def repeated(entries: Sequence[Entry], field: str) -> Iterator[ConfigError]:
    """A problem for each entry with a name that another one has already."""
    first: dict[str, Position] = {}
    for entry in entries:
        name = getattr(entry, field)
        at = entry.origin.at(*_NAME_KEYS.get(field, (field,)))
        if name in first:
            said = "resource" if field == "key" else field
            message = f"{said} '{name}' is used twice; the first is at {first[name]}"
            yield ConfigError(message, at=at, hint=_NAME_HINTS.get(field))
        first.setdefault(name, at)


def repeated_triggers(jobs: Sequence[Job]) -> Iterator[ConfigError]:
    """Schedules and sensors share one space of names in Dagster."""
    first: dict[str, Position] = {}
    for job in jobs:
        for index, trigger in enumerate(job.triggers):
            at, name = job.origin.at("triggers", index, "trigger_id"), trigger.trigger_id
            if name in first:
                message = f"trigger_id '{name}' is used twice; the first is at {first[name]}"
                yield ConfigError(message, at=at)
            first.setdefault(name, at)


def names_that_dagster_refuses(
    assets: Sequence[Asset], jobs: Sequence[Job], resources: Sequence[ResourceConfig]
) -> Iterator[ConfigError]:
    """A problem for each name that holds what Dagster's names cannot."""
    for asset in assets:
        yield from _parts(asset, ("asset_key",), asset.asset_key)
        if asset.group_name is not None:
            yield from _parts(asset, ("group_name",), asset.group_name)
    for job in jobs:
        yield from _name(job, ("job_id",), job.job_id, job.job_id)
        for index, trigger in enumerate(job.triggers):
            path = ("triggers", index, "trigger_id")
            yield from _name(job, path, trigger.trigger_id, trigger.trigger_id)
    for resource in resources:
        if resource.name is not None:
            yield from _name(resource, ("name",), resource.name, resource.name)


def _parts(entry: Entry, path: KeyPath, whole: str) -> Iterator[ConfigError]:
    for part in whole.split("/"):
        yield from _name(entry, path, whole, part)


def _name(entry: Entry, path: KeyPath, whole: str, part: str) -> Iterator[ConfigError]:
    """A problem if `part` of a name holds what Dagster's names of ops, groups and jobs cannot."""
    wrong = _NOT_IN_A_NAME.search(part)
    if part and not wrong:
        return
    said = f"its part '{part}' holds '{wrong[0]}'" if wrong else "it has an empty part"
    if whole == part:
        said = f"it holds '{wrong[0]}'" if wrong else "it is empty"
    between = " between slashes" if path[-1] in ("asset_key", "group_name") else ""
    yield ConfigError(
        f"{path[-1]} '{whole}' cannot be a name in Dagster: {said}",
        at=entry.origin.at(*path),
        hint=f"Use only letters, digits and '_'{between}.",
    )


def partition_assets(
    partitions: Sequence[Partition], assets: Sequence[Asset], declared: frozenset[str] | None
) -> Iterator[ConfigError]:
    """`declared` is None when some file could not be read: then no asset is known to be missing."""
    first = {asset.asset_key: asset.origin.at("partition") for asset in assets if asset.partition}
    for partition in partitions:
        for index, key in enumerate(partition.assets):
            at = partition.origin.at("assets", index)
            if declared is not None and key not in declared:
                message = f"the partition is for asset '{key}', which no workflow file declares"
                yield ConfigError(message, at=at, hint=nearest(key, declared))
            elif key in first:
                message = f"asset '{key}' has two partitions; the first is at {first[key]}"
                yield ConfigError(message, at=at)
            first.setdefault(key, at)


def partitions_of(entry: Entry, path: KeyPath, params: PartitionParams) -> Iterator[ConfigError]:
    """The problems of the partitions that stand at `path` of `entry`."""
    if params.dimensions is None:
        yield from _dimension(entry, path, params)
        return
    at = entry.origin.at
    for name in DimensionParams.model_fields:
        if getattr(params, name) is not None:
            message = f"partitions have either `dimensions` or `{name}`, not both"
            yield ConfigError(message, at=at(*path, name))
    if len(params.dimensions) != 2:
        message = f"partitions have two dimensions, not {len(params.dimensions)}"
        yield ConfigError(message, at=at(*path, "dimensions"))
    for name, dimension in params.dimensions.items():
        yield from _dimension(entry, (*path, "dimensions", name), dimension)


def _dimension(entry: Entry, path: KeyPath, params: DimensionParams) -> Iterator[ConfigError]:
    at = entry.origin.at
    kind = params.type or "time"
    allowed = {"time": _WINDOW_KEYS, "static": ("keys",), "dynamic": ("name",)}[kind]
    for name in (*_WINDOW_KEYS, "keys", "name"):
        if name not in allowed and getattr(params, name) is not None:
            message = f"{kind} partitions have no '{name}'"
            yield ConfigError(message, at=at(*path, name), hint=f"They have: {', '.join(allowed)}.")
    needed = {"time": "start", "static": "keys", "dynamic": "name"}[kind]
    if not getattr(params, needed):
        name = ".".join(map(str, (*path, needed)))
        yield ConfigError(f"the key '{name}' is missing", at=at(*path))
    if kind == "time":
        yield from _schedule(entry, path, params)


def _schedule(entry: Entry, path: KeyPath, params: DimensionParams) -> Iterator[ConfigError]:
    at = entry.origin.at
    if params.schedule_type is None and params.cron_schedule is None:
        yield ConfigError("a partition needs `schedule_type` or `cron_schedule`", at=at(*path))
    if params.cron_schedule is None:
        return
    for name in ("schedule_type", "minute_offset", "hour_offset", "day_offset"):
        if getattr(params, name) is not None:
            message = f"a partition has either `cron_schedule` or `{name}`, not both"
            yield ConfigError(message, at=at(*path, name))
