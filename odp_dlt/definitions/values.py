"""What the templates of one run see: the run, its partition, resources, and parents' metadata."""

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from odp_dlt.definitions.metadata import for_templates
from odp_dlt.definitions.plan import PlannedAsset, resource_values
from odp_dlt.definitions.sensor_values import sensor_values
from odp_dlt.definitions.turns import (
    Partitions,
    Turn,
    names_one_partition,
    turn_values,
    window_of,
)
from odp_dlt.errors import ConfigError
from odp_dlt.resources.base import Resource
from odp_dlt.workflow.template import variable_name


def step_values(
    context: dg.AssetExecutionContext,
    planned: PlannedAsset,
    resources: Mapping[str, Resource],
    turn: Turn,
) -> dict[str, Any]:
    """Everything that the templates of `planned` can name, in the shape that `render` takes.

    ConfigError if they name one partition's key in a turn of several.
    """
    groups = {name.partition(".")[0] for name in planned.names}
    parents = {
        variable_name(key): for_templates(_latest(context, planned, key, turn))
        for key in planned.asset.depends_on
        if variable_name(key) in groups
    }
    return {
        "context": {"run_id": context.run.run_id[:8], **_partition_values(planned, turn)},
        "resource": resource_values(resources.items()),
        "env": os.environ,
        "utils": {"now": datetime.now(UTC).isoformat()},
        "sensor": sensor_values(context, planned),
        **parents,
    }


def _partition_values(planned: PlannedAsset, turn: Turn) -> dict[str, Any]:
    if len(turn.keys) > 1 and names_one_partition(planned.asset.params):
        raise ConfigError(
            "the params name context.partition_key beside context.partition_keys, "
            f"and the run is for {len(turn.keys)} partitions together",
            hint="Name one of them: with context.partition_key alone each partition has its turn.",
        )
    return turn_values(planned.partitions, turn)


def _latest(
    context: dg.AssetExecutionContext, planned: PlannedAsset, parent: str, turn: Turn
) -> Mapping[str, dg.MetadataValue]:
    """The metadata of the parent's materialization that counts for a turn; none if there is none.

    It is that of the partition that `deps_mapping` says; else that of the same partition if both
    have the same ones, and that of the parent's last one if not: by time the last one that ends no
    later than the turn's own, if that has a window.
    """
    key = dg.AssetKey(parent.split("/"))
    partition = _parent_partition(context.instance, planned, parent, turn)
    if partition is None:
        event = context.instance.get_latest_materialization_event(key)
        found = event.asset_materialization if event else None
    else:
        wanted = dg.AssetRecordsFilter(asset_key=key, asset_partitions=[partition])
        records = context.instance.fetch_materializations(wanted, limit=1).records
        found = records[0].asset_materialization if records else None
    return found.metadata if found else {}


def _parent_partition(
    instance: dg.DagsterInstance, planned: PlannedAsset, parent: str, turn: Turn
) -> str | None:
    """The parent's partition to read; None if the parent has none, materialized or at all."""
    made = instance.get_materialized_partitions(dg.AssetKey(parent.split("/")))
    own = turn.keys[-1] if turn.keys else None
    how = planned.asset.deps_mapping.get(parent)
    if how == "identity":
        return own
    if parent not in planned.parent_partitions:  # made outside of the workflow files
        return own if own in made else None
    theirs = planned.parent_partitions[parent]
    if theirs is None:
        return None
    if own is not None and how is None and theirs == planned.partitions:
        return own
    end = None if how is not None or turn.window is None else turn.window.end
    return _last(theirs, made, end, instance)


def _last(
    theirs: Partitions, made: Iterable[str], end: datetime | None, instance: dg.DagsterInstance
) -> str | None:
    """The last of the partitions `made`, by time or else in the order of `theirs`; if given, only
    before `end`.
    """
    windows = {key: window_of(theirs, key) for key in made}
    starts = {
        key: window.start
        for key, window in windows.items()
        if window is not None and (end is None or window.end <= end)
    }
    if any(windows.values()):
        return max(starts, key=lambda key: (starts[key], key), default=None)
    order = theirs.get_partition_keys(dynamic_partitions_store=instance)
    return next((key for key in reversed(order) if key in windows), None)
