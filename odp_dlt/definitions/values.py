"""What the templates of one run see: the run, its partition, resources, and parents' metadata."""

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from odp_dlt.definitions.metadata import for_templates
from odp_dlt.definitions.plan import PlannedAsset, resource_values
from odp_dlt.definitions.sensor_values import sensor_values
from odp_dlt.errors import ConfigError
from odp_dlt.resources.base import Resource
from odp_dlt.workflow.template import names_in, variable_name


def step_values(
    context: dg.AssetExecutionContext, planned: PlannedAsset, resources: Mapping[str, Resource]
) -> dict[str, Any]:
    """Everything that the params of `planned` can name, in the shape that `render` takes."""
    groups = {name.partition(".")[0] for name in names_in(planned.asset.params)}
    parents = {
        variable_name(key): for_templates(_latest(context, planned, key))
        for key in planned.asset.depends_on
        if variable_name(key) in groups
    }
    return {
        "context": _run_values(context, planned),
        "resource": resource_values(resources.items()),
        "env": os.environ,
        "utils": {"now": datetime.now(UTC).isoformat()},
        "sensor": sensor_values(context, planned),
        **parents,
    }


def partition_keys(context: dg.AssetExecutionContext, planned: PlannedAsset) -> list[str]:
    """The partitions of this run, in order; none if the asset has none.

    ConfigError if it has, and the run is for none of them.
    """
    if planned.partitions is None:
        return []
    if not (context.has_partition_key or context.has_partition_key_range):
        raise ConfigError(
            "the asset has partitions, and the run is for none of them",
            hint="Choose a partition, such as with `odp run --partition KEY`.",
        )
    return list(context.partition_keys)


def _run_values(context: dg.AssetExecutionContext, planned: PlannedAsset) -> dict[str, Any]:
    values: dict[str, Any] = {"run_id": context.run.run_id[:8]}
    keys = partition_keys(context, planned)
    if not keys:
        return values
    if len(keys) == 1:
        values["partition_key"] = keys[0]
    elif "context.partition_key" in names_in(planned.asset.params):
        raise ConfigError(
            f"the params name context.partition_key, but the run is for {len(keys)} partitions",
            hint="Backfill with one run a partition, or name context.partition_window_start.",
        )
    if isinstance(planned.partitions, dg.TimeWindowPartitionsDefinition):
        window = context.partition_time_window
        values["partition_window_start"] = window.start.isoformat()
        values["partition_window_end"] = window.end.isoformat()
    return values


def _latest(
    context: dg.AssetExecutionContext, planned: PlannedAsset, parent: str
) -> Mapping[str, dg.MetadataValue]:
    """The metadata of the parent's materialization that counts for this run; none if there is none.

    It is that of the same partition if both have the same ones, else that of the parent's last
    partition by time: the last one that ends no later than this run's, if this one has a window.
    """
    key = dg.AssetKey(parent.split("/"))
    partition = _parent_partition(context, planned, key)
    if partition is None:
        event = context.instance.get_latest_materialization_event(key)
        found = event.asset_materialization if event else None
    else:
        wanted = dg.AssetRecordsFilter(asset_key=key, asset_partitions=[partition])
        records = context.instance.fetch_materializations(wanted, limit=1).records
        found = records[0].asset_materialization if records else None
    return found.metadata if found else {}


def _parent_partition(
    context: dg.AssetExecutionContext, planned: PlannedAsset, parent: dg.AssetKey
) -> str | None:
    """The parent's partition to read; None if the parent has none, materialized or at all."""
    own = partition_keys(context, planned)
    name = parent.to_user_string()
    if name not in planned.parent_partitions:  # made outside of the workflow files
        made = context.instance.get_materialized_partitions(parent)
        return own[-1] if own and own[-1] in made else None
    theirs = planned.parent_partitions[name]
    if theirs is None:
        return None
    if own and theirs == planned.partitions:
        return own[-1]
    end = None
    if own and isinstance(planned.partitions, dg.TimeWindowPartitionsDefinition):
        end = context.partition_time_window.end
    return _last(theirs, context.instance.get_materialized_partitions(parent), end)


def _last(
    theirs: dg.PartitionsDefinition[str], made: Iterable[str], end: datetime | None
) -> str | None:
    """The last of the partitions `made`, in the order of `theirs`; if given, only before `end`."""
    if not isinstance(theirs, dg.TimeWindowPartitionsDefinition):
        made = set(made)
        return next((k for k in reversed(theirs.get_partition_keys()) if k in made), None)
    windows = {key: theirs.time_window_for_partition_key(key) for key in made}
    fitting = [key for key, window in windows.items() if end is None or window.end <= end]
    return max(fitting, key=lambda key: windows[key].start, default=None)
