"""Run assets in this process: one Dagster run for each workflow asset, parents first.

Each has its own run because each may have its own partitions, and because one that fails must stop
what is downstream of it and nothing else.
"""

import difflib
import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Literal

import dagster as dg

from odp_dlt.errors import ConfigError

_DAGSTER_YAML = """\
telemetry:
  enabled: false
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""


@dataclass(frozen=True)
class Started:
    """A workflow asset begins."""

    asset_key: str
    partition: str | None


@dataclass(frozen=True)
class Said:
    """A line of what goes on in it now."""

    asset_key: str
    text: str


@dataclass(frozen=True)
class Made:
    """A table, or whatever else an asset is, that a run has made. `rows` counts what was loaded."""

    asset_key: str
    destination_table_id: str | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Problem:
    """Why it failed. `trace` is the stack, for whoever wants to see it."""

    message: str
    error: str
    exit_code: int = 1
    trace: str = ""


@dataclass(frozen=True)
class Finished:
    """A workflow asset has ended; `reason` says why it was skipped."""

    asset_key: str
    partition: str | None
    status: Literal["done", "failed", "skipped"]
    seconds: float = 0.0
    run_id: str | None = None
    made: tuple[Made, ...] = ()
    problem: Problem | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Summary:
    """What a project consists of. `assets` counts tables, `workflow_assets` entries in the YAML."""

    workflow_assets: int
    assets: int
    sources: int
    partitioned: int
    jobs: int


Event = Started | Said | Finished
Listen = Callable[[Event], None]


@dataclass(frozen=True)
class _Node:
    """One asset that can be run; `op` is the name of the workflow asset's op that makes it."""

    key: dg.AssetKey
    op: str
    parents: frozenset[dg.AssetKey]
    partitions: dg.PartitionsDefinition[str] | None


@dataclass(frozen=True)
class _Turn:
    """The selected keys of one workflow asset; `needs` are the selected ones upstream of it."""

    keys: tuple[dg.AssetKey, ...]
    needs: frozenset[dg.AssetKey]
    partition: str | None

    @property
    def name(self) -> str:
        return self.keys[0].to_user_string()


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
    partition: str | None = None,
) -> list[Finished]:
    """Materialize all executable assets, or those of a Dagster asset selection string.

    Everything is planned before anything runs: ConfigError for a selection that matches nothing and
    for a `partition` that one of the partitioned assets does not have. Without `partition`, each
    takes its latest complete one. What is downstream of a failure is skipped, the rest goes on.
    """
    turns = _plan(_selected(defs, selection), partition)
    finished: list[Finished] = []
    without: dict[dg.AssetKey, str] = {}  # keys that nothing can follow now, and why
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for turn in turns:
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


def exit_code(finished: Iterable[Finished]) -> int:
    """0 if nothing failed, else the code of what failed: 2 only if all of it is for the writer."""
    return min((end.problem.exit_code for end in finished if end.problem), default=0)


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
        chosen = dg.AssetSelection.from_string(selection).resolve(defs.resolve_asset_graph())
    except dg.DagsterInvalidSubsetError as e:
        raise _nothing(selection, nodes) from e
    except dg.DagsterError as e:
        raise ConfigError(
            f"'{selection}' is not an asset selection that Dagster can read",
            hint='Keys that are joined by `and` or `or` are written as key:"a/b".',
        ) from e
    found = [node for node in nodes if node.key in chosen]
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


def _plan(nodes: Sequence[_Node], partition: str | None) -> list[_Turn]:
    """One turn for each op, parents first; partitions are chosen, and judged, for all of them."""
    if partition and nodes and not any(node.partitions for node in nodes):
        raise ConfigError(
            f"partition '{partition}' is asked for, but no selected asset has partitions",
            hint="Leave out --partition, or give the assets `partitions` in a workflow file.",
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
            partition_of(ops[op][0].key.to_user_string(), ops[op][0].partitions, partition),
        )
        for op in order.static_order()
    ]


def partition_of(
    asset_key: str, partitions: dg.PartitionsDefinition[str] | None, wanted: str | None
) -> str | None:
    """The partition to run: `wanted`, else the latest complete one; None without partitions.

    ConfigError if `wanted` is none of them, or if none is complete yet.
    """
    if partitions is None:
        return None
    keys = partitions.get_partition_keys()
    if wanted is not None:
        if wanted in keys:
            return wanted
        known = f"They run from {keys[0]} to {keys[-1]}." if keys else "It has none yet."
        raise ConfigError(f"'{wanted}' is no partition of '{asset_key}'", hint=known)
    if isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        now = datetime.now(UTC)
        for key in reversed(keys):
            if partitions.time_window_for_partition_key(key).end <= now:
                return key
        raise ConfigError(
            f"no partition of '{asset_key}' is complete yet",
            hint="Name one with --partition, or set an earlier `start` in its partitions.",
        )
    raise ConfigError(f"the partitions of '{asset_key}' have no order", hint="Use --partition.")


def _execute(
    defs: dg.Definitions, turn: _Turn, instance: dg.DagsterInstance, listen: Listen
) -> Finished:
    begun = time.monotonic()
    job = defs.resolve_implicit_global_asset_job_def()
    result = job.with_logger_defs({"listener": _listener(turn.name, listen)}).execute_in_process(
        instance=instance,
        asset_selection=list(turn.keys),
        partition_key=turn.partition,
        raise_on_error=False,
        run_config={"loggers": {"listener": {}}},
    )
    problem = None if result.success else _problem(result.all_events)
    if problem is not None and problem.error == dg.DagsterExecutionInterruptedError.__name__:
        raise KeyboardInterrupt
    return Finished(
        turn.name,
        turn.partition,
        "done" if result.success else "failed",
        round(time.monotonic() - begun, 3),
        result.run_id,
        tuple(_made(result.all_events)),
        problem,
    )


def _made(events: Sequence[dg.DagsterEvent]) -> Iterator[Made]:
    """What was materialized, siblings of the selected tables included."""
    for event in events:
        if event.event_type != dg.DagsterEventType.ASSET_MATERIALIZATION:
            continue
        found = event.step_materialization_data.materialization
        metadata = {name: value.value for name, value in found.metadata.items()}
        table = metadata.get("destination_table_id")
        rows = metadata.get("rows_loaded", metadata.get("dagster/row_count"))
        yield Made(
            found.asset_key.to_user_string(),
            None if table is None else str(table),
            rows if isinstance(rows, int) else None,
        )


def _problem(events: Sequence[dg.DagsterEvent]) -> Problem:
    """The first failure of a run: as the task said it, or as Dagster did."""
    for event in events:
        if event.event_type == dg.DagsterEventType.STEP_FAILURE:
            data = event.step_failure_data
            said = data.user_failure_data
            metadata = {name: value.value for name, value in said.metadata.items()} if said else {}
            return _stated(data.error, said and said.description, metadata)
    for event in events:
        if event.event_type == dg.DagsterEventType.RUN_FAILURE:
            return _stated(event.job_failure_data.error, None, {})
    return Problem("the run ended without saying why", "Unknown")


def _stated(error: Any, description: str | None, metadata: Mapping[str, Any]) -> Problem:
    """`error` is Dagster's account of an exception: its class, message, stack and cause."""
    while error is not None and description is None and error.cause is not None:
        error = error.cause  # Dagster wraps what user code raises; the innermost is what happened
    message = description or (error.message.strip() if error else "no message")
    code = metadata.get("exit_code", 1)
    return Problem(
        message,
        str(metadata.get("error") or (error.cls_name if error else "Unknown")),
        code if isinstance(code, int) else 1,
        error.to_string() if error else "",
    )


class _Listening(logging.Handler):
    """Hands on what tasks say; Dagster's own account of its steps stays in its event log."""

    def __init__(self, asset_key: str, listen: Listen) -> None:
        super().__init__(logging.INFO)
        self._asset_key = asset_key
        self._listen = listen

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", None)
        text = str(meta.get("orig_message")) if meta else record.getMessage()
        if getattr(record, "dagster_event", None) is None:
            self._listen(Said(self._asset_key, text))


def _listener(asset_key: str, listen: Listen) -> dg.LoggerDefinition:
    def make(_: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("odp_dlt.run", logging.INFO)
        logger.addHandler(_Listening(asset_key, listen))
        return logger

    return dg.LoggerDefinition(make)
