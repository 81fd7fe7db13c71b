"""What a step does at once: the whole of an asset, one partition of it, or several together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from odp_dlt.extract.window import Window
from odp_dlt.workflow.template import names_in

Partitions = dg.PartitionsDefinition[str]


@dataclass(frozen=True)
class Turn:
    """The partitions `keys`, in order; none of an asset without partitions.

    `window` is their time, from the start of the first to the end of the last, if they have one.
    `follows` says that the same run has done other turns before.
    """

    keys: tuple[str, ...] = ()
    window: Window | None = None
    follows: bool = False

    @property
    def name(self) -> str | None:
        """The key, or `first...last`; None without partitions."""
        if len(self.keys) < 2:
            return self.keys[0] if self.keys else None
        return f"{self.keys[0]}...{self.keys[-1]}"


def names_one_partition(params: Mapping[str, Any]) -> bool:
    """Whether templates ask for the key of one partition."""
    return any(f"{name}.".startswith("context.partition_key.") for name in names_in(params))


def turn_of(partitions: Partitions, keys: Sequence[str]) -> Turn:
    """The turn for the partitions `keys`."""
    windows = [window for key in keys if (window := window_of(partitions, key)) is not None]
    if not windows:
        return Turn(tuple(keys))
    start, end = min(w.start for w in windows), max(w.end for w in windows)
    return Turn(tuple(keys), Window(start, end))


def window_of(partitions: Partitions, key: str) -> Window | None:
    """The time of a partition, of two dimensions of the one that is time; None if it has none."""
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        if not partitions.has_time_window_dimension:
            return None
    elif not isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        return None
    found = partitions.time_window_for_partition_key(key)
    return Window(found.start, found.end)


def turn_values(partitions: Partitions | None, turn: Turn) -> dict[str, Any]:
    """What templates find of the partition under `context`; `partition_key` only of a single one.

    Of two dimensions each has its own, such as `partition_key.region`.
    """
    if partitions is None:
        return {}
    values: dict[str, Any] = {"partition_keys": [str(key) for key in turn.keys]}
    if len(turn.keys) == 1:
        values["partition_key"] = str(turn.keys[0])
        values |= {f"partition_key.{n}": k for n, k in _by_dimension(partitions, turn.keys[0])}
    if turn.window is not None:
        values["partition_window_start"] = turn.window.start.isoformat()
        values["partition_window_end"] = turn.window.end.isoformat()
    return values


def template_names(partitions: Partitions | None) -> tuple[str, ...]:
    """The names that `turn_values` can give, known before a run."""
    if partitions is None:
        return ()
    names = ["partition_key", "partition_keys"]
    timed = isinstance(partitions, dg.TimeWindowPartitionsDefinition)
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        names += [f"partition_key.{one.name}" for one in partitions.partitions_defs]
        timed = partitions.has_time_window_dimension
    return (*names, *(("partition_window_start", "partition_window_end") if timed else ()))


def _by_dimension(partitions: Partitions, key: str) -> list[tuple[str, str]]:
    if not isinstance(partitions, dg.MultiPartitionsDefinition):
        return []
    return list(partitions.get_partition_key_from_str(key).keys_by_dimension.items())
