"""A workflow asset's step in a Dagster run: fill the templates, do the work, report each asset."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import dagster as dg

from odp_dlt.definitions.checks import PlannedCheck, results
from odp_dlt.definitions.deadline import within
from odp_dlt.definitions.launch import launched
from odp_dlt.definitions.live import Lines, watched
from odp_dlt.definitions.metadata import of_run
from odp_dlt.definitions.plan import PlannedAsset, filled_now, located
from odp_dlt.definitions.values import partition_keys, step_values
from odp_dlt.errors import OdpError, RetriableError
from odp_dlt.tasks.base import Context, Done, Task
from odp_dlt.tasks.params import validated
from odp_dlt.workflow.template import render


def run_step(
    context: dg.AssetExecutionContext,
    planned: PlannedAsset,
    code_version: str,
    checks: Sequence[PlannedCheck] = (),
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Run the asset's task; the results of the selected assets, the others recorded as events;
    then those of the selected checks. If only checks are selected, the task does not run.

    What the task cannot do becomes a `dg.Failure` whose metadata say the error's class and the exit
    code of a program that ends with it; only errors that a new start can mend may be retried.
    """
    done: dict[str, Done] = {}
    late: OdpError | None = None
    try:
        lines = Lines(context.log.info)
        task, run = _prepared(context, planned, lines)
        with _engine_log(context.log):
            try:
                for one in _work(context, planned, task, run, lines):
                    done[one.asset_key] = one
                    yield from _told(context, planned, one, code_version)
            except OdpError as e:
                if not done:
                    raise
                late = e  # what was made counts, and is checked
            made = done if context.selected_asset_keys else None
            yield from results(context, checks, made, partial(task.look, run))
        if late is not None:
            raise late
    except OdpError as e:
        said = located(e, planned.asset)
        raise dg.Failure(
            description=str(said),
            metadata={"error": type(e).__name__, "exit_code": said.exit_code},
            allow_retries=isinstance(e, RetriableError),
        ) from e


def _prepared(
    context: dg.AssetExecutionContext, planned: PlannedAsset, lines: Lines
) -> tuple[Task, Context]:
    """The task with its templates filled, and the run for it."""
    named = planned.resource_keys.items()
    found = {name: getattr(context.resources, key) for name, key in named}
    site = replace(planned.site, resources=found)
    if context.selected_asset_keys or planned.partitions is None:
        values = step_values(context, planned, site.resources)
        params = render(planned.asset.params, values, at=planned.at)
    else:  # checks alone are for no partition; where the tables are is known without one
        params = filled_now(planned.asset.params, site)
    config = context.op_execution_context.op_config
    task = validated(planned.task, launched(params, config, planned.launch_params), site.root)
    return task, Context(planned.asset.asset_key, context.run.run_id, site, context.log, lines)


def _work(
    context: dg.AssetExecutionContext,
    planned: PlannedAsset,
    task: Task,
    run: Context,
    lines: Lines,
) -> Iterator[Done]:
    if not context.selected_asset_keys:
        return
    partitions = partition_keys(context, planned)
    partition = partitions[0] if len(partitions) == 1 else None
    with watched(run, lines, context.log_event, partition):
        yield from within(planned.asset.timeout, task.run(run))


def _told(
    context: dg.AssetExecutionContext, planned: PlannedAsset, done: Done, code_version: str
) -> Iterator[dg.MaterializeResult[Any]]:
    """Tell Dagster of an asset that was made; what does not exist is told to its checks alone."""
    key = dg.AssetKey(done.asset_key.split("/"))
    if done.exists and key in context.selected_asset_keys:
        yield dg.MaterializeResult(asset_key=key, metadata=of_run(done))
    elif done.exists:
        _record(context, planned, done, code_version)


def _record(
    context: dg.AssetExecutionContext, planned: PlannedAsset, done: Done, code_version: str
) -> None:
    """Tell Dagster of a table that nobody selected: the load has renewed it, or found it new."""
    partitions: list[str | None] = [*partition_keys(context, planned)]
    tags = {} if done.undeclared else {"dagster/code_version": code_version}
    kind = dg.AssetObservation if done.undeclared == "observe" else dg.AssetMaterialization
    for partition in partitions or [None]:
        context.log_event(
            kind(
                asset_key=done.asset_key.split("/"),
                metadata=of_run(done),
                partition=partition,
                tags=tags,
            )
        )


class _Forward(logging.Handler):
    """Hands the engine's own log records to Dagster's log."""

    def __init__(self, log: logging.Logger) -> None:
        super().__init__(logging.INFO)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.log(record.levelno, record.getMessage())


@contextmanager
def _engine_log(log: logging.Logger) -> Iterator[None]:
    """Inside, what the engine logs (such as a wait for a lock) is in Dagster's event log."""
    engine, handler = logging.getLogger("odp_dlt"), _Forward(log)
    level = engine.level
    engine.addHandler(handler)
    if not engine.isEnabledFor(logging.INFO):
        engine.setLevel(logging.INFO)
    try:
        yield
    finally:
        engine.removeHandler(handler)
        engine.setLevel(level)
