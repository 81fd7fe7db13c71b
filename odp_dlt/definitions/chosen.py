"""Which partitions of an asset `odp run` takes: one by its key, a range, or the latest complete."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg

from odp_dlt.definitions.complete import latest_complete
from odp_dlt.definitions.turns import Partitions
from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest

BETWEEN = "..."
_START, _END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


@dataclass(frozen=True)
class Wanted:
    """What is asked for: a `partition`, or a `range` written as FIRST...LAST, or neither.

    `add` says that a key of dynamic partitions is added if it is not there.
    """

    partition: str | None = None
    range: str | None = None
    add: bool = False

    def __post_init__(self) -> None:
        if self.partition is not None and self.range is not None:
            raise ConfigError("a run is for one partition or for a range of them, not for both")
        if self.add and self.partition is None:
            raise ConfigError("there is no key to add", hint="Name it with --partition KEY.")

    @property
    def name(self) -> str | None:
        """As it was written."""
        return self.partition if self.range is None else self.range


@dataclass(frozen=True)
class Chosen:
    """What a run is told: one `partition`, or a range by `tags`; nothing without partitions."""

    name: str | None = None
    partition: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def choose(
    asset_key: str, partitions: Partitions | None, wanted: Wanted, instance: dg.DagsterInstance
) -> Chosen:
    """The partitions to run. ConfigError if the asset does not have what is wanted."""
    if partitions is None:
        return Chosen()
    if wanted.range is not None:
        return _range(asset_key, partitions, wanted.range, instance)
    if wanted.add and wanted.partition is not None:
        for name, key in _dynamic_parts(partitions, wanted.partition):
            if not instance.has_dynamic_partition(name, key):
                instance.add_dynamic_partitions(name, [key])
    chosen = partition_of(asset_key, partitions, wanted.partition, instance)
    return Chosen(chosen, chosen)


def partition_of(
    asset_key: str,
    partitions: Partitions | None,
    wanted: str | None,
    instance: dg.DagsterInstance | None = None,
) -> str | None:
    """The partition to run: `wanted`, else the latest complete one; None without partitions.

    ConfigError if `wanted` is none of them, or if none is complete yet. Without an `instance` it is
    not known which dynamic partitions there are, and any key will do.
    """
    if partitions is None:
        return None
    if wanted is not None:
        if not _has(partitions, wanted, instance):
            hint = _known(partitions, wanted, instance)
            raise ConfigError(f"'{wanted}' is no partition of '{asset_key}'", hint=hint)
        return wanted
    if not isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        hint = f"Use --partition. {_known(partitions, '', instance)}"
        raise ConfigError(f"the partitions of '{asset_key}' have no order", hint=hint)
    found = latest_complete(partitions, datetime.now(UTC))
    if found is not None:
        return found
    raise ConfigError(
        f"no partition of '{asset_key}' is complete yet",
        hint="Name one with --partition, or set an earlier `start` in its partitions.",
    )


def _range(
    asset_key: str, partitions: Partitions, text: str, instance: dg.DagsterInstance
) -> Chosen:
    ends = text.split(BETWEEN)
    if len(ends) != 2 or not all(ends):
        raise ConfigError(
            f"'{text}' is no range of partitions", hint=f"Write it as FIRST{BETWEEN}LAST."
        )
    for key in ends:
        partition_of(asset_key, partitions, key, instance)
    if not _in_order(partitions, ends[0], ends[1], instance):
        raise ConfigError(f"the range '{text}' ends before it begins")
    return Chosen(text, tags={_START: ends[0], _END: ends[1]})


def _in_order(partitions: Partitions, first: str, last: str, instance: dg.DagsterInstance) -> bool:
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        both = zip(_parts(partitions, first), _parts(partitions, last), strict=True)
        return all(_in_order(one, start, end, instance) for (one, start), (_, end) in both)
    keys = list(_keys(partitions, instance))
    return keys.index(first) <= keys.index(last)


def _keys(partitions: Partitions, instance: dg.DagsterInstance) -> Sequence[str]:
    """All keys, in order."""
    if isinstance(partitions, dg.DynamicPartitionsDefinition):
        return instance.get_dynamic_partitions(str(partitions.name))
    return partitions.get_partition_keys()


def _has(partitions: Partitions, key: str, instance: dg.DagsterInstance | None) -> bool:
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        parts = _parts(partitions, key)
        return bool(parts) and all(_has(one, part, instance) for one, part in parts)
    if isinstance(partitions, dg.DynamicPartitionsDefinition):
        return instance is None or instance.has_dynamic_partition(str(partitions.name), key)
    return key in partitions.get_partition_keys()


def _parts(partitions: dg.MultiPartitionsDefinition, key: str) -> list[tuple[Partitions, str]]:
    """The partitions of each dimension with their part of `key`; none if it has not as many."""
    parts = key.split("|")
    if len(parts) != len(partitions.partitions_defs):
        return []
    found = zip(partitions.partitions_defs, parts, strict=True)
    return [(one.partitions_def, part) for one, part in found]


def _dynamic_parts(partitions: Partitions, key: str) -> Iterator[tuple[str, str]]:
    """The names of the dynamic partitions among them, with their part of `key`."""
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        for one, part in _parts(partitions, key):
            yield from _dynamic_parts(one, part)
    elif isinstance(partitions, dg.DynamicPartitionsDefinition):
        yield str(partitions.name), key


def _known(partitions: Partitions, wanted: str, instance: dg.DagsterInstance | None) -> str:
    """Which partitions there are, or how their keys are written."""
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        names = "|".join(one.name.upper() for one in partitions.partitions_defs)
        inner = [
            _known(one, part, instance)
            for one, part in _parts(partitions, wanted)
            if not _has(one, part, instance)
        ]
        return " ".join([f"A key is written as {names}.", *inner])
    if isinstance(partitions, dg.DynamicPartitionsDefinition):
        keys: Sequence[str] = (
            instance.get_dynamic_partitions(str(partitions.name)) if instance else []
        )
        return f"There are: {', '.join(keys) or 'none'}. Add it with --add-partition."
    keys = partitions.get_partition_keys()
    if not isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        return nearest(wanted, keys)
    return f"They run from {keys[0]} to {keys[-1]}." if keys else "It has none yet."
