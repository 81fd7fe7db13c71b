"""Partitions of the workflow files → Dagster's."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

import dagster as dg

from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.workflow.asset import BackfillChunks
from odp_dlt.workflow.models import (
    Asset,
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
_NOT_OF_WINDOWS = {"type", "schedule_type", "keys", "name", "dimensions", "exclusions"}


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
    made: dict[str, Partitions] = {}
    for name, one in params.dimensions.items():
        if not name.isidentifier():
            raise ConfigError(
                f"the dimension '{name}' cannot be named in templates",
                at=at("dimensions", name),
                hint="Use only letters, digits and '_', and begin with no digit.",
            )
        made[name] = _dimension(one, lambda *key, n=name: at("dimensions", n, *key))
        _check_keys(one, made[name], lambda *key, n=name: at("dimensions", n, *key))
    if all(isinstance(one, dg.TimeWindowPartitionsDefinition) for one in made.values()):
        raise ConfigError(
            "of two dimensions only one can be of time: it is the window of a run",
            at=at("dimensions"),
            hint="Give the other one `type: static` or `type: dynamic`.",
        )
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


def _check_keys(params: DimensionParams, made: Partitions, at: At) -> None:
    for index, key in enumerate(params.keys or []):
        if "|" in key:
            raise ConfigError(
                f"the key '{key}' holds the '|' that stands between the keys of two dimensions",
                at=at("keys", index),
            )
    if isinstance(made, dg.TimeWindowPartitionsDefinition) and "|" in made.fmt:
        raise ConfigError("'|' stands between the keys of two dimensions", at=at("fmt"))


def time_windows(params: DimensionParams, at: At) -> dg.TimeWindowPartitionsDefinition:
    """The time windows that `params` describe; ConfigError with their place if that is none."""
    whole = _time_windows(params, at)
    if not params.exclusions:
        return whole
    left_out = [
        _exclusion(text, whole, at("exclusions", index))
        for index, text in enumerate(params.exclusions)
    ]
    if whole.cron_schedule in left_out:  # Dagster would look for one until the end of time
        raise ConfigError("the exclusions leave no partition", at=at("exclusions"))
    return _or_refused(
        lambda: dg.TimeWindowPartitionsDefinition(
            start=whole.start,
            end=whole.end,
            fmt=whole.fmt,
            timezone=whole.timezone,
            end_offset=whole.end_offset,
            cron_schedule=whole.cron_schedule,
            exclusions=left_out,
        ),
        at,
    )


def _exclusion(text: str, whole: dg.TimeWindowPartitionsDefinition, at: Position) -> str | datetime:
    """What `text` leaves out: a partition by its key, or those that begin when a cron says."""
    try:
        datetime.strptime(text, whole.fmt)
    except ValueError:
        return _cron(text, whole, at)
    window = whole.time_window_for_partition_key(text)
    if window.start.strftime(whole.fmt) != text:
        raise ConfigError(f"no partition begins at '{text}', which is to be excluded", at=at)
    return window.start.replace(tzinfo=None)


def _cron(text: str, whole: dg.TimeWindowPartitionsDefinition, at: Position) -> str:
    try:
        dg.TimeWindowPartitionsDefinition(start="2026", fmt="%Y", cron_schedule=text)
    except (dg.DagsterError, ValueError) as e:
        example = whole.get_first_partition_window()
        key = example.start.strftime(whole.fmt) if example else whole.fmt
        raise ConfigError(
            f"'{text}' is neither a partition's key nor a cron schedule",
            at=at,
            hint=f"A key is written as `fmt` says, such as {key}; a cron as in '0 0 * * 6'.",
        ) from e
    return text


def _time_windows(params: DimensionParams, at: At) -> dg.TimeWindowPartitionsDefinition:
    """The same, with nothing left out."""
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


_MAPPINGS: Mapping[str, Callable[[], dg.PartitionMapping]] = {
    "identity": dg.IdentityPartitionMapping,
    "last": dg.LastPartitionMapping,
    "all": dg.AllPartitionMapping,
}


def dependency(asset: Asset, key: str) -> dg.AssetDep:
    """The dependency of `asset` on the asset `key`, with the mapping of partitions it names."""
    how = asset.deps_mapping.get(key)
    mapping = None if how is None else _MAPPINGS[how]()
    return dg.AssetDep(dg.AssetKey(key.split("/")), partition_mapping=mapping)


def backfill_policy(asset: Asset) -> dg.BackfillPolicy | None:
    """How many partitions a run of a backfill takes; None for Dagster's default, one."""
    said = asset.backfill_policy
    if said is None:
        return None
    if isinstance(said, BackfillChunks):
        return dg.BackfillPolicy.multi_run(said.max_partitions_per_run)
    return dg.BackfillPolicy.single_run()


def wrong_between(
    asset: Asset, own: Partitions | None, parents: Mapping[str, Partitions | None]
) -> Iterator[ConfigError]:
    """What an asset says of its own partitions and of its parents' that these cannot do.

    `parents` has the partitions of those that the workflow itself makes.
    """
    if asset.backfill_policy is not None and own is None:
        message = f"'{asset.asset_key}' has a backfill_policy, but no partitions"
        yield ConfigError(message, at=asset.origin.at("backfill_policy"))
    known = [*asset.depends_on, *asset.deps]
    for key, how in asset.deps_mapping.items():
        at = asset.origin.at("deps_mapping", key)
        if key not in known:
            message = f"deps_mapping names '{key}', which the asset does not depend on"
            yield ConfigError(message, at=at, hint=nearest(key, known))
        elif key in parents and parents[key] is None:
            yield ConfigError(f"deps_mapping names '{key}', which has no partitions", at=at)
        elif how == "identity" and own is None:
            message = f"the partitions of '{key}' cannot be those of an asset that has none"
            yield ConfigError(message, at=at, hint="Say `last` or `all`.")


def _given(params: DimensionParams, start: str) -> dict[str, Any]:
    """What is written, by the names of Dagster's parameters."""
    names = {"start": start, "end": "end" if start == "start" else "end_date"}
    written = params.model_dump(exclude=_NOT_OF_WINDOWS, exclude_none=True)
    fmt = _HOUR if params.schedule_type == "HOURLY" else _DATE
    return {"fmt": fmt} | {names.get(name, name): value for name, value in written.items()}
