"""A step in turns: its partitions one after another, each credited with what it got itself."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import dagster as dg

from odp_dlt.definitions.metadata import of_run
from odp_dlt.definitions.plan import PlannedAsset
from odp_dlt.definitions.turns import Turn, names_one_partition, turn_of
from odp_dlt.errors import ConfigError
from odp_dlt.tasks.base import Done

Work = Callable[[Turn], Iterator[Done]]
Result = dg.MaterializeResult[Any]


def made_in_turns(
    context: dg.AssetExecutionContext, planned: PlannedAsset, code_version: str, work: Work
) -> Iterator[Result]:
    """Do the `work` of the run; the results of the selected assets, the others recorded as events.

    Of several turns each is done before the next begins. The results come at the end, with the
    numbers of each partition; if one fails, those before it are recorded as made.
    """
    taken = turns(context, planned)
    if len(taken) > 1:
        yield from _InTurn(context, code_version, {}).results(taken, work)
        return
    for turn in taken:
        for done in work(turn):
            key = asset_key(done.asset_key)
            if key in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=key, metadata=of_run(done))
                continue
            for partition in turn.keys or (None,):
                _record(context, _Made.of(done), key, partition, code_version)


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


def turns(context: dg.AssetExecutionContext, planned: PlannedAsset) -> list[Turn]:
    """The turns of this run: one for each partition, or one for all of them together.

    Together is what params that name `context.partition_keys` ask for, and what a task does that
    neither loads by partition nor is told one partition's key.
    """
    keys = partition_keys(context, planned)
    if planned.partitions is None:
        return [Turn()]
    params = planned.asset.params
    one = planned.task.by_partition or names_one_partition(params)
    if "context.partition_keys" in planned.names or not one:
        return [turn_of(planned.partitions, keys)]
    return [turn_of(planned.partitions, [key]) for key in keys]


@dataclass(frozen=True)
class _Made:
    """What a turn told of one asset; `undeclared` as in Done."""

    metadata: Mapping[str, Any]
    undeclared: str | None = None

    @classmethod
    def of(cls, done: Done) -> "_Made":
        """The same as Dagster's metadata."""
        return cls(of_run(done), done.undeclared)


@dataclass
class _InTurn:
    """The turns of one step, of one partition each. `made` is asset → partition → what was told."""

    context: dg.AssetExecutionContext
    code_version: str
    made: dict[dg.AssetKey, dict[str, "_Made"]] = field(default_factory=dict)

    def results(self, taken: list[Turn], work: Work) -> Iterator[Result]:
        """The results of the selected assets, once all turns are done."""
        keys = [turn.keys[0] for turn in taken]
        self._recall(keys)
        known = {key for made in self.made.values() for key in made}
        try:
            for number, turn in enumerate(taken, 1):
                if turn.keys[0] not in known:
                    self.context.log.info(f"partition {turn.name}: {number} of {len(taken)}")
                    self._take(replace(turn, follows=bool(self.made)), work)
        except BaseException:  # a Ctrl-C too: what is committed is there
            self._credit(list(self.made), known)
            raise
        selected = self.context.selected_asset_keys
        self._credit([key for key in self.made if key not in selected], known)
        for key in [key for key in self.made if key in selected]:
            for partition in keys:
                made = self.made[key].get(partition, _Made({"rows_loaded": 0}))
                self.context.add_asset_metadata(made.metadata, key, partition)
            yield dg.MaterializeResult(asset_key=key)

    def _take(self, turn: Turn, work: Work) -> None:
        for done in work(turn):
            self.made.setdefault(asset_key(done.asset_key), {})[turn.keys[0]] = _Made.of(done)

    def _credit(self, keys: list[dg.AssetKey], known: set[str]) -> None:
        """Record the partitions of the assets `keys`, but for those that are recorded already."""
        for key in keys:
            for partition, made in self.made[key].items():
                if partition not in known:
                    _record(self.context, made, key, partition, self.code_version)

    def _recall(self, keys: list[str]) -> None:
        """What earlier tries of this very step have done: that need not be done again."""
        if not self.context.op_execution_context.retry_number:
            return
        for key in self.context.assets_def.keys:
            wanted = dg.AssetRecordsFilter(asset_key=key, asset_partitions=keys)
            found = self.context.instance.fetch_materializations(wanted, limit=10 * len(keys))
            for record in found.records:
                event = record.asset_materialization
                if record.run_id == self.context.run.run_id and event is not None:
                    made = self.made.setdefault(key, {})
                    made.setdefault(str(event.partition), _Made(event.metadata))


def asset_key(key: str) -> dg.AssetKey:
    """`a/b/c` as Dagster's key of three parts."""
    return dg.AssetKey(key.split("/"))


def _record(
    context: dg.AssetExecutionContext,
    made: _Made,
    key: dg.AssetKey,
    partition: str | None,
    code_version: str,
) -> None:
    """Tell Dagster of an asset that no result tells of: nobody selected it, or it is new."""
    kind = dg.AssetObservation if made.undeclared == "observe" else dg.AssetMaterialization
    tags = {} if made.undeclared else {"dagster/code_version": code_version}
    event = kind(asset_key=key, metadata=made.metadata, partition=partition, tags=tags)
    context.log_event(event)
