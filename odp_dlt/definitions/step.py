"""A workflow asset's step in a Dagster run: fill the templates, do the work, report each asset."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import dagster as dg

from odp_dlt.definitions.checks import PlannedCheck, results
from odp_dlt.definitions.deadline import within
from odp_dlt.definitions.launch import launched
from odp_dlt.definitions.live import Lines, watched
from odp_dlt.definitions.partitioned import made_in_turns
from odp_dlt.definitions.plan import PlannedAsset, filled_now, located
from odp_dlt.definitions.turns import Turn
from odp_dlt.definitions.values import step_values
from odp_dlt.destinations.base import TableView
from odp_dlt.errors import OdpError, RetriableError
from odp_dlt.tasks.base import Context, Done, Site, Task
from odp_dlt.tasks.params import validated
from odp_dlt.workflow.template import render, render_text


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
    step = _Step(context, planned, Lines(context.log.info))
    late: OdpError | None = None
    try:
        with _engine_log(context.log):
            try:
                if context.selected_asset_keys:
                    yield from made_in_turns(context, planned, code_version, step.work)
            except OdpError as e:
                if not step.done:
                    raise
                late = e  # what was made counts, and is checked
            made = step.done if context.selected_asset_keys else None
            yield from results(context, checks, made, step.look)
        if late is not None:
            raise late
    except OdpError as e:
        said = located(e, planned.asset)
        raise dg.Failure(
            description=str(said),
            metadata={"error": type(e).__name__, "exit_code": said.exit_code},
            allow_retries=isinstance(e, RetriableError),
        ) from e


@dataclass
class _Step:
    """The work of one step. `done` is what each asset came to, for the checks; `last` what did the
    last turn.
    """

    context: dg.AssetExecutionContext
    planned: PlannedAsset
    lines: Lines
    done: dict[str, Done] = field(default_factory=dict)
    last: tuple[Task, Context] | None = None

    def work(self, turn: Turn) -> Iterator[Done]:
        """Do one turn; what exists after it."""
        values = step_values(self.context, self.planned, self._site().resources, turn)
        params = render(self.planned.asset.params, values, at=self.planned.at)
        task, run = self.last = self._prepared(params, values, turn)
        partition = turn.keys[0] if len(turn.keys) == 1 else None
        with watched(run, self.lines, self.context.log_event, partition):
            for done in within(self.planned.asset.timeout, task.run(run)):
                self.done[done.asset_key] = _after(self.done.get(done.asset_key), done)
                if done.exists:  # what does not exist is told to its checks alone
                    yield done

    def look(
        self, reported: Mapping[str, Mapping[str, Any]]
    ) -> AbstractContextManager[Mapping[str, TableView]]:
        """The tables, for the checks; without a load they are those of no partition."""
        if self.last is None:
            params = filled_now(self.planned.asset.params, self._site())
            values: Mapping[str, Any] = {}
            if self.planned.partitions is None:
                values = step_values(self.context, self.planned, self._site().resources, Turn())
                params = render(params, values, at=self.planned.at)
            self.last = self._prepared(params, values, Turn())
        task, run = self.last
        return task.look(run, reported)

    def _site(self) -> Site:
        named = self.planned.resource_keys.items()
        found = {name: getattr(self.context.resources, key) for name, key in named}
        return replace(self.planned.site, resources=found)

    def _prepared(
        self, params: Mapping[str, Any], values: Mapping[str, Any], turn: Turn
    ) -> tuple[Task, Context]:
        site, asset = self._site(), self.planned.asset
        config = self.context.op_execution_context.op_config
        filled = launched(params, config, self.planned.launch_params)
        task = validated(self.planned.task, filled, site.root)
        return task, Context(
            asset.asset_key,
            self.context.run.run_id,
            site,
            self.context.log,
            self.lines,
            render=lambda text, file: render_text(text, values, file),
            selected=frozenset(key.to_user_string() for key in self.context.selected_asset_keys),
            partition=turn.name,
            window=turn.window,
            follows=turn.follows,
        )


def _after(before: Done | None, now: Done) -> Done:
    """What both turns came to: rows that came are counted together, all else is as it is now."""
    if before is None:
        return now
    counted = {
        name: value + old
        for name, value in now.metadata.items()
        if name.startswith(("rows_", "values_"))
        and isinstance(value, int)
        and isinstance(old := before.metadata.get(name), int)
    }
    return replace(now, metadata={**now.metadata, **counted})


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
