"""Run assets in this process: one Dagster run for each workflow asset, parents first.

Each has its own run because each may have its own partitions, and because one that fails must stop
what is downstream of it and nothing else.
"""

import difflib
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg

from odp_dlt.definitions.chosen import Chosen, Wanted, choose
from odp_dlt.definitions.events import (
    Finished,
    Listen,
    Started,
    checked_by,
    listener,
    made_by,
    problem_of,
)
from odp_dlt.definitions.jobs import parsed
from odp_dlt.errors import ConfigError

_INTERRUPTS = (dg.DagsterExecutionInterruptedError.__name__, KeyboardInterrupt.__name__)

_DAGSTER_YAML = """\
telemetry:
  enabled: false
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""


@dataclass(frozen=True)
class Summary:
    """What a project consists of. `assets` counts tables, `workflow_assets` entries in the YAML."""

    workflow_assets: int
    assets: int
    sources: int
    partitioned: int
    jobs: int


@dataclass(frozen=True)
class _Node:
    """One asset that can be run; `op` is the name of the workflow asset's op that makes it."""

    key: dg.AssetKey
    op: str
    parents: frozenset[dg.AssetKey]
    partitions: dg.PartitionsDefinition[str] | None
    can_subset: bool
    offers: frozenset[str]  # what its op can be launched with


@dataclass(frozen=True)
class _Turn:
    """The selected keys of one workflow asset; `needs` are the selected ones upstream of it."""

    keys: tuple[dg.AssetKey, ...]
    needs: frozenset[dg.AssetKey]
    chosen: Chosen
    config: Mapping[str, Any]  # the run config of the op

    @property
    def name(self) -> str:
        return self.keys[0].to_user_string()

    @property
    def partition(self) -> str | None:
        return self.chosen.name


def dagster_home(root: Path) -> Path:
    """Where Dagster keeps what happened: DAGSTER_HOME, or a folder made in `root`."""
    if given := os.environ.get("DAGSTER_HOME"):
        home = Path(given)
        if not home.is_dir():
            raise ConfigError(
                f"the folder '{given}' does not exist",
                at="DAGSTER_HOME",
                hint="Create it, or unset DAGSTER_HOME to use the project's own .odp/dagster.",
            )
        return home.resolve()
    home = root / ".odp" / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        (home / "dagster.yaml").write_text(_DAGSTER_YAML, encoding="utf-8")
    return home


def run_assets(
    defs: dg.Definitions,
    home: Path,
    listen: Listen,
    *,
    selection: str | None = None,
    wanted: Wanted | None = None,
    launch: Mapping[str, Any] | None = None,
) -> list[Finished]:
    """Materialize all executable assets, or those of a Dagster asset selection string.

    Everything is planned before anything runs: ConfigError for a selection that matches nothing and
    for `wanted` partitions that one of the partitioned assets does not have. Without them, each
    takes its latest complete one. `launch` is for those assets that offer it (`refresh`, `limit`);
    ConfigError if none does. What is downstream of a failure is skipped, the rest goes on.
    """
    nodes = _selected(defs, selection)
    finished: list[Finished] = []
    without: dict[dg.AssetKey, str] = {}  # keys that nothing can follow now, and why
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for turn in _plan(nodes, wanted or Wanted(), launch or {}, instance):
            reasons = sorted(without[key] for key in turn.needs if key in without)
            if reasons:
                end = Finished(turn.name, turn.partition, "skipped", reason=reasons[0])
            else:
                listen(Started(turn.name, turn.partition))
                end = _execute(defs, turn, instance, listen)
            listen(end)
            finished.append(end)
            without.update(_missing(turn, end))
    return finished


def checked(defs: dg.Definitions) -> Summary:
    """What `defs` consists of; ConfigError if Dagster would not load it."""
    try:
        dg.Definitions.validate_loadable(defs)
    except dg.DagsterError as e:
        raise ConfigError(f"Dagster does not load these definitions: {e}") from e
    nodes = _nodes(defs)
    ops = {node.op: node for node in nodes}
    return Summary(
        len(ops),
        len(nodes),
        len(defs.resolve_all_asset_keys()) - len(nodes),
        sum(node.partitions is not None for node in ops.values()),
        len(list(defs.jobs or ())),
    )


def exit_code(finished: Sequence[Finished]) -> int:
    """0 if nothing failed, else the code of what failed: 2 only if all of it is for the writer.

    A check whose severity is error has failed with 1, whether or not it blocks.
    """
    codes = [end.problem.exit_code for end in finished if end.problem]
    codes += [1 for end in finished for check in end.checks if check.failed]
    return min(codes, default=0)


def _missing(turn: _Turn, end: Finished) -> Iterator[tuple[dg.AssetKey, str]]:
    """The keys of `turn` that nothing can follow now, and why."""
    if end.status != "done":
        why = end.reason or f"{end.asset_key} failed"
        yield from ((key, why) for key in turn.keys)
        return
    made = {one.asset_key for one in end.made}
    for key in turn.keys:
        if (name := key.to_user_string()) not in made:
            yield key, f"{name} has no rows yet, so it does not exist"


def _nodes(defs: dg.Definitions) -> list[_Node]:
    """Every asset that can be run, parents first."""
    graph = defs.resolve_asset_graph()
    return [
        _Node(
            key,
            defs.resolve_assets_def(key).op.name,
            frozenset(graph.get(key).parent_keys),
            graph.get(key).partitions_def,
            defs.resolve_assets_def(key).can_subset,
            _offered(defs.resolve_assets_def(key)),
        )
        for key in graph.toposorted_asset_keys
        if graph.get(key).is_materializable
    ]


def _selected(defs: dg.Definitions, selection: str | None) -> list[_Node]:
    nodes = _nodes(defs)
    if not nodes:
        raise ConfigError(
            "the project has no asset that can be run",
            hint="Add one to `assets` in a file of the workflows folder.",
        )
    if selection is None:
        return nodes
    try:
        chosen = parsed(selection).resolve(defs.resolve_asset_graph())
    except dg.DagsterInvalidSubsetError as e:
        raise _nothing(selection, nodes) from e
    except dg.DagsterError as e:
        raise ConfigError(
            f"'{selection}' is not an asset selection that Dagster can read",
            hint='Keys that are joined by `and` or `or` are written as key:"a/b".',
        ) from e
    ops = {node.op for node in nodes if node.key in chosen and not node.can_subset}
    found = [node for node in nodes if node.key in chosen or node.op in ops]
    if not found:
        raise _nothing(selection, nodes)
    return found


def _nothing(selection: str, nodes: Sequence[_Node]) -> ConfigError:
    names = sorted(node.key.to_user_string() for node in nodes)
    words = [word for word in re.findall(r"[\w./-]+", selection) if word not in names]
    close = {name for word in words for name in difflib.get_close_matches(word, names, n=1)}
    guess = f"Did you mean {' or '.join(sorted(close))}? " if close else ""
    return ConfigError(
        f"the selection '{selection}' names no asset that can be run",
        hint=f"{guess}Known: {', '.join(names) or 'none'}.",
    )


def _plan(
    nodes: Sequence[_Node],
    wanted: Wanted,
    launch: Mapping[str, Any],
    instance: dg.DagsterInstance,
) -> list[_Turn]:
    """One turn for each op, parents first; partitions are chosen, and judged, for all of them."""
    if wanted.name and not any(node.partitions for node in nodes):
        raise ConfigError(
            f"partition '{wanted.name}' is asked for, but no selected asset has partitions",
            hint="Leave out --partition, or give the assets `partitions` in a workflow file.",
        )
    for name in launch:
        if not any(name in node.offers for node in nodes):
            raise ConfigError(
                f"no selected asset can be launched with '{name}'",
                hint="Assets of the task type dlt can.",
            )
    ops: dict[str, list[_Node]] = {}
    for node in nodes:
        ops.setdefault(node.op, []).append(node)
    maker = {node.key: node.op for node in nodes}
    above = {
        op: {key for node in made for key in node.parents if maker.get(key, op) != op}
        for op, made in ops.items()
    }
    order = TopologicalSorter({op: {maker[key] for key in keys} for op, keys in above.items()})
    return [
        _Turn(
            tuple(node.key for node in ops[op]),
            frozenset(above[op]),
            choose(ops[op][0].key.to_user_string(), ops[op][0].partitions, wanted, instance),
            _op_config(ops[op][0], launch),
        )
        for op in order.static_order()
    ]


def _op_config(node: _Node, launch: Mapping[str, Any]) -> dict[str, Any]:
    config = {name: value for name, value in launch.items() if name in node.offers}
    return {node.op: {"config": config}} if config else {}


def _offered(assets: dg.AssetsDefinition) -> frozenset[str]:
    schema: Any = assets.op.config_schema
    fields = getattr(schema.config_type, "fields", None) if schema else None
    return frozenset(fields or ())


def _execute(
    defs: dg.Definitions, turn: _Turn, instance: dg.DagsterInstance, listen: Listen
) -> Finished:
    begun = time.monotonic()
    job = defs.resolve_implicit_global_asset_job_def()
    result = job.with_logger_defs({"listener": listener(turn.name, listen)}).execute_in_process(
        instance=instance,
        asset_selection=list(turn.keys),
        partition_key=turn.chosen.partition,
        tags=dict(turn.chosen.tags),
        raise_on_error=False,
        run_config={"loggers": {"listener": {}}, "ops": turn.config},
    )
    problem = None if result.success else problem_of(result.all_events)
    if problem is not None and problem.error in _INTERRUPTS:
        raise KeyboardInterrupt
    return Finished(
        turn.name,
        turn.partition,
        "done" if result.success else "failed",
        round(time.monotonic() - begun, 3),
        result.run_id,
        tuple(made_by(result.all_events)),
        tuple(checked_by(result.all_events)),
        problem,
    )
