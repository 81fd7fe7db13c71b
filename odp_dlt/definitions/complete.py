"""Which partitions a schedule or a sensor loads at a moment."""

from collections.abc import Iterator
from datetime import datetime
from itertools import product
from typing import Any

import dagster as dg

Partitions = dg.PartitionsDefinition[Any]
Windows = dg.TimeWindowPartitionsDefinition


def latest_complete(windows: Windows, now: datetime) -> str | None:
    """The last partition whose window has ended at `now`; None if there is none yet."""
    with dg.partition_loading_context(effective_dt=now):
        window = windows.get_last_partition_window()
        while window is not None and window.end > now:  # `end_offset` makes partitions early
            window = windows.get_prev_partition_window(window.start)
        return None if window is None else windows.get_partition_keys_in_time_window(window)[0]


def newest(windows: Windows, now: datetime) -> str | None:
    """The last partition that there is at `now`, if there was another one a window before."""
    with dg.partition_loading_context(effective_dt=now):
        before = windows.get_prev_partition_window(now, respect_bounds=False)
        last = windows.get_last_partition_key()
    if before is None or last is None:
        return None
    with dg.partition_loading_context(effective_dt=now - (before.end - before.start)):
        return None if windows.get_last_partition_key() == last else last


def keys_at(
    partitions: Partitions, now: datetime, instance: dg.DagsterInstance, *, once: bool
) -> list[str]:
    """The partitions to load at `now`: of windows the latest complete one, of others all.

    With `once` it is the newest window, and only at the first moment after it came to be.
    """
    if isinstance(partitions, Windows):
        key = newest(partitions, now) if once else latest_complete(partitions, now)
        return [] if key is None else [key]
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        return list(_pairs(partitions, now, instance, once))
    with dg.partition_loading_context(effective_dt=now, dynamic_partitions_store=instance):
        return list(partitions.get_partition_keys())


def windows_of(partitions: Partitions) -> Windows | None:
    """The time windows that are the partitions, or one of their dimensions."""
    if isinstance(partitions, Windows):
        return partitions
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        found = (windows_of(one.partitions_def) for one in partitions.partitions_defs)
        return next((one for one in found if one is not None), None)
    return None


def _pairs(
    partitions: dg.MultiPartitionsDefinition, now: datetime, instance: Any, once: bool
) -> Iterator[str]:
    names = [one.name for one in partitions.partitions_defs]
    keys = [
        keys_at(one.partitions_def, now, instance, once=once) for one in partitions.partitions_defs
    ]
    for values in product(*keys):
        yield dg.MultiPartitionKey(dict(zip(names, values, strict=True)))
