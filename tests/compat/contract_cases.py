"""Runs under contracts, by dlt and by this engine."""

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from odp_dlt.destinations.duckdb import Duckdb
from odp_dlt.errors import OdpError
from odp_dlt.extract.decorators import resource, source
from odp_dlt.pipeline.pipeline import Pipeline
from odp_dlt.settings import Settings
from tests.compat.oracle import Dataset, read

QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}


@dataclass(frozen=True)
class Step:
    """One run: rows, and the contracts that the resource, the source and the run have for it."""

    rows: Sequence[Any]
    own: Any = None
    source: Any = None
    run: Any = None


@dataclass(frozen=True)
class Case:
    """Steps of one resource called `name`. `ours` are our rows where we differ from dlt."""

    name: str
    steps: Sequence[Step]
    hints: Mapping[str, Any] = field(default_factory=dict)
    differs: str | None = None
    ours: Mapping[str, Any] | None = None


def first_then(name: str, first: Any, second: Sequence[Any], contract: Any, **more: Any) -> Case:
    """The row `first` without any contract, then the rows `second` under `contract`."""
    return Case(name, [Step([first]), Step(second, contract)], **more)


def _given(make_source: Any, make: Any, cases: Sequence[Case], number: int) -> Any:
    def resources() -> list[Any]:
        found = []
        for case in cases:
            step = case.steps[number] if number < len(case.steps) else Step([])
            hints = {**case.hints, "schema_contract": step.own}
            found.append(make(copy.deepcopy(list(step.rows)), name=case.name, **hints))
        return found

    step = cases[0].steps[number] if len(cases) == 1 else Step([])
    named = make_source(resources, name="compat", section="compat", schema_contract=step.source)
    return named(), {"schema_contract": step.run} if step.run else {}


def by_dlt(cases: Sequence[Case], folder: Path) -> tuple[Dataset, int]:
    """What dlt makes of the steps of `cases`, and how many of the runs failed."""
    failed = 0
    database = folder / "dlt.duckdb"
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        for name, value in QUIET.items():
            patch.setenv(name, value)
        patch.setenv("DLT_DATA_DIR", str(folder / "data"))
        import dlt

        for number in range(max(len(case.steps) for case in cases)):
            pipeline = dlt.pipeline(
                "compat",
                destination=dlt.destinations.duckdb(str(database)),
                dataset_name="data",
                pipelines_dir=str(folder / "pipelines"),
            )
            try:
                given, hints = _given(dlt.source, dlt.resource, cases, number)
                pipeline.run(given, **hints)
            except Exception:  # noqa: BLE001 - of whatever library it comes from
                failed += 1
    return (read(database) if failed < number + 1 else {}), failed


def by_ours(cases: Sequence[Case], folder: Path) -> tuple[Dataset, int]:
    """What this engine makes of the steps, and how many of the runs failed."""
    failed = 0
    database = folder / "odp.duckdb"
    for number in range(max(len(case.steps) for case in cases)):
        pipeline = Pipeline(
            "compat",
            Duckdb(database=database),
            "data",
            Settings.from_folder(folder, {}),
            work_dir=folder / "packages",
        )
        given, hints = _given(source, resource, cases, number)
        try:
            pipeline.run(given, **hints)
        except OdpError:
            failed += 1
    return (read(database) if failed < number + 1 else {}), failed
