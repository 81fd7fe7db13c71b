"""The steps of a pipeline's last run, as dlt tells them.

Extract and normalize overlap here, so the two begin and end together; an error in either is one of
the step `extract`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import uuid4

from odp_dlt.pipeline.info import LoadInfo
from odp_dlt.pipeline.jobs import LoadPackageInfo

ENGINE_VERSION = 2


@dataclass(frozen=True)
class StepInfo:
    """What extract and normalize tell alike. Their packages are those of the load, as of then."""

    pipeline_name: str
    load_packages: Sequence[LoadPackageInfo]
    first_run: bool
    started_at: datetime
    finished_at: datetime

    @property
    def loads_ids(self) -> list[str]:
        """The ids of the loads that the step worked for."""
        return [package.load_id for package in self.load_packages]

    @property
    def is_empty(self) -> bool:
        """Whether nothing came."""
        return not self.load_packages

    def asdict(self) -> dict[str, Any]:
        """As a row, with its packages nested in it."""
        return {
            "pipeline": {"pipeline_name": self.pipeline_name},
            "loads_ids": self.loads_ids,
            "load_packages": [package.asdict() for package in self.load_packages],
            "first_run": self.first_run,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
        }

    def asstr(self, verbosity: int = 0) -> str:
        """A line for each package."""
        return "\n".join(package.asstr(verbosity) for package in self.load_packages)

    def __str__(self) -> str:
        return self.asstr()

    def _timed(
        self, measure: Callable[[LoadPackageInfo], dict[str, Any]]
    ) -> dict[str, list[dict[str, Any]]]:
        """By load id, in dlt's form: the times of the step and what `measure` says of a package."""
        times = {"started_at": self.started_at, "finished_at": self.finished_at}
        return {p.load_id: [{**times, **measure(p)}] for p in self.load_packages}


@dataclass(frozen=True)
class ExtractInfo(StepInfo):
    """What came from the source."""

    @property
    def row_counts(self) -> dict[str, int]:
        """Resource name → rows as the source yielded them."""
        return _summed([package.extracted for package in self.load_packages])

    @property
    def metrics(self) -> dict[str, list[dict[str, Any]]]:
        """By load id: the rows of each resource."""
        return self._timed(
            lambda package: {
                "resource_metrics": {
                    name: {"items_count": rows} for name, rows in package.extracted.items()
                }
            }
        )

    def asdict(self) -> dict[str, Any]:
        rows = [{"resource_name": n, "items_count": c} for n, c in self.row_counts.items()]
        return {**super().asdict(), "resource_metrics": rows}


@dataclass(frozen=True)
class NormalizeInfo(StepInfo):
    """What became of it."""

    @property
    def row_counts(self) -> dict[str, int]:
        """Table name → rows, before any merge; the pipeline's state counts where it changed."""
        return _summed([package.row_counts for package in self.load_packages])

    @property
    def metrics(self) -> dict[str, list[dict[str, Any]]]:
        """By load id: the rows and bytes of each table."""
        return self._timed(
            lambda package: {
                "job_metrics": {j.job_file_info.job_id(): j for j in package.done},
                "table_metrics": {
                    j.job_file_info.table_name: {"items_count": j.rows, "file_size": j.file_size}
                    for j in package.done
                },
            }
        )

    def asdict(self) -> dict[str, Any]:
        rows = [{"table_name": n, "items_count": c} for n, c in self.row_counts.items()]
        return {**super().asdict(), "table_metrics": rows}

    def asstr(self, verbosity: int = 0) -> str:
        """A line for each table, in dlt's words, then one for each package."""
        if not self.row_counts:
            return "Nothing came to be normalized"
        lines = [f"- {name}: {rows} row(s)" for name, rows in self.row_counts.items()]
        head = "Normalized data for the following tables:"
        return "\n".join([head, *lines, "", super().asstr(verbosity)])


Info: TypeAlias = ExtractInfo | NormalizeInfo | LoadInfo


@dataclass(frozen=True)
class StepTrace:
    """One step; `step_exception` is the text of the error that ended it, if one did."""

    step: str
    started_at: datetime
    finished_at: datetime
    span_id: str
    step_info: Info | None = None
    step_exception: str | None = None

    def asdict(self) -> dict[str, Any]:
        """As a row; what its info tells, under a key of the step."""
        told = {} if self.step_info is None else {f"{self.step}_info": self.step_info.asdict()}
        return {
            "span_id": self.span_id,
            "step": self.step,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "step_exception": self.step_exception,
            **told,
        }

    def asstr(self, verbosity: int = 0) -> str:
        """One line, and what the step's info tells."""
        took = (self.finished_at - self.started_at).total_seconds()
        how = "FAILED" if self.step_exception else "COMPLETED"
        lines = [f"Step {self.step} {how} in {took:.2f} seconds."]
        if self.step_info is not None:
            lines.append(self.step_info.asstr(verbosity))
        if self.step_exception:
            lines.append(self.step_exception)
        return "\n".join(lines)


@dataclass(frozen=True)
class PipelineTrace:
    """One run: its steps extract, normalize, load and, last, the run as a whole."""

    transaction_id: str
    pipeline_name: str
    started_at: datetime
    finished_at: datetime
    steps: Sequence[StepTrace]
    engine_version: int = ENGINE_VERSION

    @property
    def last_extract_info(self) -> ExtractInfo | None:
        """What came from the source; None if nothing was committed."""
        found = self._info("extract")
        return found if isinstance(found, ExtractInfo) else None

    @property
    def last_normalize_info(self) -> NormalizeInfo | None:
        """What became of it; None if nothing was committed."""
        found = self._info("normalize")
        return found if isinstance(found, NormalizeInfo) else None

    @property
    def last_load_info(self) -> LoadInfo | None:
        """What the run returned; None if it raised before anything was committed."""
        found = self._info("load")
        return found if isinstance(found, LoadInfo) else None

    def last_pipeline_step_trace(self, step_name: str) -> StepTrace | None:
        """The step of that name, if the run got there."""
        return next((step for step in self.steps if step.step == step_name), None)

    def asdict(self) -> dict[str, Any]:
        """As a row with its steps nested in it: `pipeline.run([trace], …)` takes it."""
        return {
            "transaction_id": self.transaction_id,
            "pipeline_name": self.pipeline_name,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "steps": [step.asdict() for step in self.steps],
            "engine_version": self.engine_version,
        }

    def asstr(self, verbosity: int = 0) -> str:
        """When the run began, how it ended, and its steps."""
        took = (self.finished_at - self.started_at).total_seconds()
        how = "FAILED" if self.steps[-1].step_exception else "COMPLETED"
        head = (
            f"Run started at {self.started_at} and {how} in {took:.2f} seconds "
            f"with {len(self.steps)} steps."
        )
        return "\n\n".join([head, *(step.asstr(verbosity) for step in self.steps)])

    def __str__(self) -> str:
        return self.asstr()

    def _info(self, step: str) -> Info | None:
        found = self.last_pipeline_step_trace(step)
        return None if found is None else found.step_info


@dataclass
class Tracing:
    """A run under way: `step` is where it is, `done` what its sources have committed.

    `shown` takes the secrets out of the text of an error.
    """

    pipeline_name: str
    shown: Callable[[str], str] = str
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    step: str = "extract"
    done: list[LoadInfo] = field(default_factory=list)

    def info(self) -> LoadInfo | None:
        """All that was committed, as one."""
        if not self.done:
            return None
        first, *others = self.done
        return replace(first, others=tuple(others))

    def ended(self, error: BaseException | None) -> PipelineTrace:
        """The trace, now that the run is over."""
        info, now = self.info(), datetime.now(UTC)
        extracted = _extracted_at(info) if info is not None else now
        said = None if error is None else self.shown(f"{type(error).__name__}: {error}")
        names = ["extract", "normalize", "load"] if self.step == "load" else ["extract"]
        steps = []
        for name in names:
            begun, ended = (extracted, now) if name == "load" else (self.started_at, extracted)
            failed = said if name == self.step else None
            steps.append(StepTrace(name, begun, ended, _span(), _told(name, info), failed))
        steps.append(StepTrace("run", self.started_at, now, _span(), info, said))
        return PipelineTrace(_span(), self.pipeline_name, self.started_at, now, steps)


@dataclass
class LastTrace:
    """Where a pipeline object keeps the trace of its last run: the one thing of it that changes.

    It is told, never asked: no run depends on it, and another process does not have it.
    """

    trace: PipelineTrace | None = None

    @contextmanager
    def of(self, pipeline_name: str, shown: Callable[[str], str]) -> Iterator[Tracing]:
        """Trace the run inside the `with`, which may raise."""
        run, error = Tracing(pipeline_name, shown), None
        try:
            yield run
        except BaseException as e:
            error = e
            raise
        finally:
            self.trace = run.ended(error)


def _told(step: str, info: LoadInfo | None) -> Info | None:
    if info is None or step == "load":
        return info
    kind, state = (ExtractInfo, "extracted") if step == "extract" else (NormalizeInfo, "normalized")
    packages = [replace(package, state=state) for package in info.load_packages]
    ended = _extracted_at(info)
    return kind(info.pipeline_name, packages, info.first_run, info.started_at, ended)


def _extracted_at(info: LoadInfo) -> datetime:
    return info.started_at + timedelta(seconds=info.seconds.get("extract", 0.0))


def _summed(counts: Sequence[Any]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in counts:
        for name, rows in each.items():
            total[name] = total.get(name, 0) + rows
    return total


def _span() -> str:
    return uuid4().hex
