"""The checks of the workflow files → Dagster's asset checks, judged in the op that loads."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pyarrow as pa

from odp_dlt.checks.base import Check, Subject, Verdict, checks
from odp_dlt.definitions.attributes import asset_key
from odp_dlt.definitions.metadata import for_templates
from odp_dlt.definitions.plan import PlannedAsset
from odp_dlt.destinations.base import TableView
from odp_dlt.errors import ConfigError, OdpError
from odp_dlt.registry import nearest
from odp_dlt.tasks.base import Done, Planned
from odp_dlt.tasks.params import ParamError, holds_template, validated
from odp_dlt.workflow.asset import Check as Written
from odp_dlt.workflow.load import together
from odp_dlt.workflow.positions import KeyPath
from odp_dlt.workflow.tables import checks_of

Look = Callable[[Mapping[str, Mapping[str, Any]]], AbstractContextManager[Mapping[str, TableView]]]
"""What asset keys and their metadata are given to, and their tables come from."""

_DRIFT = Written(type="schema", severity="warn")
"""Every asset that loads has this one, unless a check of its type is written."""

_SHOWN = 100  # characters of a value in a sample


@dataclass(frozen=True)
class PlannedCheck:
    """One check of one asset: as it is written, and what judges."""

    asset_key: str
    name: str
    written: Written
    check: Check

    @property
    def key(self) -> dg.AssetCheckKey:
        """What Dagster calls it."""
        return dg.AssetCheckKey(asset_key(self.asset_key), self.name)

    def spec(self) -> dg.AssetCheckSpec:
        """It as Dagster knows it before any run."""
        return dg.AssetCheckSpec(
            self.name,
            asset=asset_key(self.asset_key),
            description=self.written.description or self.check.promise,
            blocking=self.written.blocking,
        )

    def result(self, verdict: Verdict) -> dg.AssetCheckResult:
        """It as Dagster keeps it after a run."""
        metadata: dict[str, Any] = dict(verdict.numbers)
        if verdict.sample is not None and verdict.sample.num_rows:
            metadata["sample"] = _shown(verdict.sample)
        return dg.AssetCheckResult(
            asset_key=asset_key(self.asset_key),
            check_name=self.name,
            passed=verdict.passed,
            severity=dg.AssetCheckSeverity[self.written.severity.upper()],
            description=verdict.description,
            metadata=metadata,
        )


def planned_checks(planned: PlannedAsset) -> tuple[PlannedCheck, ...]:
    """The checks of all tables of an asset; a ConfigError that lists all that is wrong."""
    found: list[PlannedCheck] = []
    problems: list[ConfigError] = []
    for made in planned.makes:
        places: dict[str, KeyPath] = {}
        for path, written in _written(planned, made):
            try:
                one = _planned(planned, made, written)
                if one.name in places:
                    first = planned.asset.origin.at(*places[one.name])
                    raise ConfigError(
                        f"two checks of '{made.key}' are named '{one.name}'; "
                        f"the first is at {first}",
                        hint="Give one of them another `name`.",
                    )
                places[one.name] = path
                found.append(one)
            except ConfigError as e:
                problems.append(_located(e, planned, path))
    if problems:
        raise together(problems)
    return tuple(found)


def results(
    context: dg.AssetExecutionContext,
    planned: Sequence[PlannedCheck],
    done: Mapping[str, Done] | None,
    look: Look,
) -> Iterator[dg.AssetCheckResult]:
    """The results of those of the checks that are selected.

    `done` is what the run has made. Where it is None nothing ran: they are about what is there, and
    what was told of it last. A check that cannot be judged has not passed, and keeps no other from
    being judged.
    """
    wanted = [one for one in planned if one.key in context.selected_asset_check_keys]
    facts = {key: _facts(context, key, done) for key in dict.fromkeys(c.asset_key for c in wanted)}
    with ExitStack() as stack:
        views: Mapping[str, TableView] | None = None
        for one in wanted:
            try:
                if views is None and one.check.reads_table:
                    views = stack.enter_context(look(facts))
                view = None if views is None else views.get(one.asset_key)
                verdict = one.check.judge(Subject(one.asset_key, facts[one.asset_key], view))
            except OdpError as e:
                verdict = Verdict(False, f"it cannot be judged: {e}")
                stack.close()  # after an error some databases refuse all else in the session
                views = None
            yield one.result(verdict)


def _written(planned: PlannedAsset, made: Planned) -> Iterator[tuple[KeyPath, Written]]:
    is_main = made.key == planned.asset.asset_key
    said = list(checks_of(planned.asset, made.key.rpartition("/")[2], is_main=is_main))
    yield from said
    if is_main and planned.task.loads and all(one.type != _DRIFT.type for _, one in said):
        yield ("asset_key",), _DRIFT


def _planned(planned: PlannedAsset, made: Planned, written: Written) -> PlannedCheck:
    kind = checks.find(written.type)
    name = written.name or written.type.rpartition(".")[2]
    if not name.replace("_", "x").isalnum() or not name.isascii():
        raise ParamError(
            f"'{name}' cannot be the name of a check",
            ("name",),
            hint="Use letters, digits and '_'.",
        )
    if written.blocking and written.severity == "warn":
        raise ParamError(
            "a check that only warns blocks nothing", ("blocking",), hint="Use `severity: error`."
        )
    for param, value in written.params.items():
        if holds_template(value):
            raise ParamError("a check has no templates: it may run without a load", (param,))
    check = validated(kind, written.params, planned.site.root)
    _must_fit(planned, made, written, check)
    return PlannedCheck(made.key, name, written, check)


def _must_fit(planned: PlannedAsset, made: Planned, written: Written, check: Check) -> None:
    """ConfigError if the asset has not what the check is about."""
    task_type = planned.asset.task_type
    if check.of_loads and not planned.task.loads:
        raise ConfigError(
            f"a check of type '{written.type}' is about loads, and '{task_type}' makes none"
        )
    if check.reads_table and not planned.task.has_tables():
        raise ConfigError(
            f"a check of type '{written.type}' looks at the table, and no check can look at what "
            f"'{task_type}' makes"
        )
    known = [column.name for column in made.columns or ()]
    for column in check.columns_named():
        if known and column not in known and not column.startswith("_dlt_"):
            raise ConfigError(f"'{made.key}' has no column '{column}'", hint=nearest(column, known))


def _located(error: ConfigError, planned: PlannedAsset, path: KeyPath) -> ConfigError:
    inner = error.path if isinstance(error, ParamError) else ()
    at = planned.asset.origin.at(*path, *inner)
    return ConfigError(error.message, at=at, hint=error.hint)


def _facts(
    context: dg.AssetExecutionContext, key: str, done: Mapping[str, Done] | None
) -> Mapping[str, Any]:
    """What this run tells of an asset, or the last one did."""
    if done is not None:
        return done[key].metadata if key in done else {}
    event = context.instance.get_latest_materialization_event(asset_key(key))
    found = event.asset_materialization if event else None
    return for_templates(found.metadata) if found else {}


def _shown(rows: pa.Table) -> dg.TableMetadataValue:
    """A sample as a table in Dagster, whose cells are plain."""
    records = [  # a handful of rows, for a person
        dg.TableRecord({name: _cell(value) for name, value in row.items()})
        for row in rows.to_pylist()
    ]
    return dg.MetadataValue.table(
        records,
        schema=dg.TableSchema.from_name_type_dict(
            {field.name: str(field.type) for field in rows.schema}
        ),
    )


def _cell(value: Any) -> str | int | float | bool:
    if isinstance(value, bool | int | float):
        return value
    text = "null" if value is None else str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
