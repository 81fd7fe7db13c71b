"""A workflow asset's step in a Dagster run: fill the templates, do the work, report each asset."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import dagster as dg

from odp_dlt.definitions.deadline import within
from odp_dlt.definitions.launch import launched
from odp_dlt.definitions.live import Lines, watched
from odp_dlt.definitions.partitioned import results
from odp_dlt.definitions.plan import PlannedAsset, located
from odp_dlt.definitions.turns import Turn
from odp_dlt.definitions.values import step_values
from odp_dlt.errors import OdpError, RetriableError
from odp_dlt.tasks.base import Context, Done, Site
from odp_dlt.tasks.params import validated
from odp_dlt.workflow.template import render


def run_step(
    context: dg.AssetExecutionContext, planned: PlannedAsset, code_version: str
) -> Iterator[dg.MaterializeResult[Any]]:
    """Run the asset's task; the results of the selected assets, the others recorded as events.

    What the task cannot do becomes a `dg.Failure` whose metadata say the error's class and the exit
    code of a program that ends with it; only errors that a new start can mend may be retried.
    """
    try:
        yield from results(context, planned, code_version, partial(_work, context, planned))
    except OdpError as e:
        said = located(e, planned.asset)
        raise dg.Failure(
            description=str(said),
            metadata={"error": type(e).__name__, "exit_code": said.exit_code},
            allow_retries=isinstance(e, RetriableError),
        ) from e


def _work(context: dg.AssetExecutionContext, planned: PlannedAsset, turn: Turn) -> Iterator[Done]:
    site = Site(
        planned.site.root,
        {name: getattr(context.resources, key) for name, key in planned.resource_keys.items()},
    )
    values = step_values(context, planned, site.resources, turn)
    params = render(planned.asset.params, values, at=planned.at)
    config = context.op_execution_context.op_config
    task = validated(planned.task, launched(params, config, planned.launch_params), site.root)
    lines = Lines(context.log.info)
    own = Context(
        planned.asset.asset_key,
        context.run.run_id,
        site,
        context.log,
        lines,
        partition=turn.name,
        window=turn.window,
    )
    partition = turn.keys[0] if len(turn.keys) == 1 else None
    with _engine_log(context.log), watched(own, lines, context.log_event, partition):
        yield from within(planned.asset.timeout, task.run(own))


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
