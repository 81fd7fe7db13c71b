"""What a run tells whoever watches it, taken from Dagster's events and log records."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import dagster as dg

_BLOCKED = "DagsterAssetCheckFailedError"


@dataclass(frozen=True)
class Started:
    """A workflow asset begins."""

    asset_key: str
    partition: str | None


@dataclass(frozen=True)
class Said:
    """A line of what goes on in it now, or something that a person should know."""

    asset_key: str
    text: str
    is_warning: bool = False


@dataclass(frozen=True)
class Made:
    """A table, or whatever else an asset is, that a run has made. `rows` counts what was loaded."""

    asset_key: str
    destination_table_id: str | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Checked:
    """A check of an asset, judged in a run. `severity` says what it means if it did not pass."""

    asset_key: str
    name: str
    passed: bool
    severity: Literal["warn", "error"] = "error"
    description: str | None = None

    @property
    def failed(self) -> bool:
        """Whether it did not pass, and should have: the code of the program then says so."""
        return not self.passed and self.severity == "error"


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
    checks: tuple[Checked, ...] = ()
    problem: Problem | None = None
    reason: str | None = None


Event = Started | Said | Finished
Listen = Callable[[Event], None]


def made_by(events: Sequence[dg.DagsterEvent]) -> Iterator[Made]:
    """What was materialized, siblings of the selected tables included; of a range of partitions
    once for each asset, the rows of all added up.
    """
    found: dict[str, Made] = {}
    for made in _materializations(events):
        before = found.get(made.asset_key)
        if before is not None and before.rows is not None and made.rows is not None:
            found[made.asset_key] = replace(made, rows=before.rows + made.rows)
        else:
            found[made.asset_key] = made
    yield from found.values()


def _materializations(events: Sequence[dg.DagsterEvent]) -> Iterator[Made]:
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


def checked_by(events: Sequence[dg.DagsterEvent]) -> Iterator[Checked]:
    """What the checks of a run found, in their order."""
    for event in events:
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            found = event.asset_check_evaluation_data
            yield Checked(
                found.asset_key.to_user_string(),
                found.check_name,
                found.passed,
                "warn" if found.severity == dg.AssetCheckSeverity.WARN else "error",
                found.description,
            )


def problem_of(events: Sequence[dg.DagsterEvent]) -> Problem:
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
    if error is not None and error.cls_name == _BLOCKED:
        message = "a blocking check has not passed"
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
            self._listen(Said(self._asset_key, text, record.levelno >= logging.WARNING))


def listener(asset_key: str, listen: Listen) -> dg.LoggerDefinition:
    """Dagster's logger for a run that is watched; nothing of it goes to the terminal itself."""

    def make(_: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("odp_dlt.run", logging.INFO)
        logger.addHandler(_Listening(asset_key, listen))
        return logger

    return dg.LoggerDefinition(make)
