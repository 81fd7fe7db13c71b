"""Pipeline: extract → normalize → load, written in that order."""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Unpack

from odp_dlt.destinations.base import Destination
from odp_dlt.errors import ConfigError
from odp_dlt.extract.hints import Hints
from odp_dlt.extract.pages import pages
from odp_dlt.extract.resource import Resource
from odp_dlt.extract.source import Source
from odp_dlt.extract.window import Window
from odp_dlt.normalize.tabular import SystemColumns
from odp_dlt.pipeline.boundary import stored
from odp_dlt.pipeline.collector import collected_rarely
from odp_dlt.pipeline.commit import Committed, Load, Unchanged, commit, look
from odp_dlt.pipeline.data import RunHints, as_sources
from odp_dlt.pipeline.info import LoadInfo
from odp_dlt.pipeline.jobs import LoadPackageInfo, jobs_of, schema_update
from odp_dlt.pipeline.meter import Meter
from odp_dlt.pipeline.package import Package, new_package
from odp_dlt.pipeline.partition import Part, moved
from odp_dlt.pipeline.recall import Memory, recall
from odp_dlt.pipeline.refresh import Refresh, refresh_of
from odp_dlt.pipeline.remembered import Remembered
from odp_dlt.pipeline.stage import Declared, Extraction, Splitter, merged_table
from odp_dlt.pipeline.state import State, fresh_state, state_hash
from odp_dlt.pipeline.trace import LastTrace, Tracing
from odp_dlt.schema.contract import HINT, Contracts
from odp_dlt.schema.internal import new_schema
from odp_dlt.schema.merging import merging, retires_absent, strategy_of, with_root_keys
from odp_dlt.schema.model import Schema, Table
from odp_dlt.schema.naming import Naming, naming_convention
from odp_dlt.schema.stored import bump, write_schema_file
from odp_dlt.settings import Settings


def silent(_line: str) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class _Plan:
    """What a run is about to do, settled before anything is fetched."""

    source: Source
    memory: Memory
    schema: Schema
    naming: Naming
    roots: Mapping[str, Table]  # by table name; those that are known before any row
    contracts: Contracts
    base: State
    state: State
    refresh: Refresh
    window: Window | None = None
    part: str | None = None


@dataclass(frozen=True)
class Pipeline(Remembered):
    """A named way from sources to one dataset of a destination.

    Holds no state and no connection: what it knows is in the destination, what it extracts is in a
    folder of the run's own below `work_dir` (by default the system's folder for temporary files).
    Only `trace` and `meter` change: they tell what the object's last run did, and no run depends
    on them.
    `refresh` counts for every run that does not say another.
    """

    name: str
    destination: Destination
    dataset_name: str
    settings: Settings
    work_dir: Path | None = None
    progress: Callable[[str], None] = silent
    export_schema_path: Path | None = None
    refresh: str | None = None
    meter: Meter = field(default_factory=Meter, repr=False, compare=False)
    trace: LastTrace = field(default_factory=LastTrace, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """The destination with what the settings have, and the dataset's name as it has it."""
        object.__setattr__(self, "destination", self.destination.with_settings(self.settings))
        naming = naming_convention("snake_case", self.destination.max_identifier)
        object.__setattr__(self, "dataset_name", naming.path(self.dataset_name))

    def run(
        self,
        data: Any,
        *,
        allow_empty: bool = False,
        refresh: str | None = None,
        limit: int | None = None,
        window: Window | None = None,
        part: str | None = None,
        **hints: Unpack[RunHints],
    ) -> LoadInfo:
        """Load `data` (a source, resources, rows), each source in one commit; the hints override.

        Raises before anything is fetched if the destination cannot do what the hints ask for, and
        StateMoved, with nothing written, if another run changed what this one began from.
        ContractError, with nothing written, for rows that a contract refuses, and where no rows
        would replace those that are there, unless `allow_empty`. `refresh` is drop_sources,
        drop_resources or drop_data: what the source loaded before goes, in the same commit. With
        a `limit` at most so many rows of each resource are taken, and no cursor moves: what was
        left out comes with the next run.

        A `window` is the range of every incremental of the source that has no `end_value`; of these
        no state is kept. `part` names what the rows are: those that an earlier load appended under
        this name are replaced, unless a run of it changes the source's state.
        """
        self.meter.clear()
        with self.trace.of(self.name, self.settings.without_secrets) as tracing:
            sources = as_sources(data, _schema_name(self.name), hints)
            contract, mode = hints.get("schema_contract"), refresh or self.refresh
            plans = [self._plan(each, contract, refresh_of(mode, each)) for each in sources]
            for plan in (replace(each, window=window, part=part) for each in plans):
                tracing.done.append(self._run(plan, allow_empty, limit, tracing))
            info = tracing.info()
            if info is None:
                raise ConfigError("there is no source to load")
            return info

    def discover(
        self, source: Source, limit: int | None = None, window: Window | None = None
    ) -> Schema:
        """The schema that loading `source` would end with; takes `limit` rows a resource, loads
        none.
        """
        plan = replace(self._plan(source), window=window)
        return bump(self._fill(plan, None, limit).splitter.schema)

    def _run(self, plan: _Plan, allow_empty: bool, limit: int | None, tracing: Tracing) -> LoadInfo:
        tracing.step = "extract"
        self.meter.phase = "extract"
        started_at, clock = datetime.now(UTC), time.perf_counter()
        with new_package(str(time.time()), self.work_dir) as package:
            work = self._fill(plan, package, limit)
            if moved(plan.base, plan.state):
                plan = replace(plan, part=None)
            if limit is not None:
                plan = replace(plan, state=plan.base)
            extracted, tracing.step = time.perf_counter(), "load"
            self.meter.phase = "load"
            self.progress(self.meter.line())
            done = self._load(plan, work, package, allow_empty)
            self.meter.phase = "done"
            told = self._package(plan, work, package, done, time.perf_counter() - extracted)
        schema = done.schema
        seconds = {
            "extract": extracted - clock,
            "normalize": work.splitter.seconds,
            "load": time.perf_counter() - extracted,
        }
        if self.export_schema_path is not None:
            write_schema_file(schema, self.export_schema_path / f"{schema.name}.schema.yaml")
        return LoadInfo(
            pipeline_name=self.name,
            dataset_name=self.dataset_name,
            destination_name=self.destination.name,
            location=self.destination.location(),
            load_id=None if told is None else told.load_id,
            schema=schema,
            started_at=started_at,
            finished_at=datetime.now(UTC),
            seconds=seconds,
            tables=done.tables,
            extracted=dict(work.taken),
            discarded=work.left_out,
            sent=dict(package.counts),
            package=told,
            first_run=plan.memory.state is None,
            pipeline=self,
        )

    def _plan(self, source: Source, contract: Any = None, refresh: Refresh | None = None) -> _Plan:
        """`contract` is the run's own, for the source and for its tables."""
        refresh = refresh or Refresh()
        with self.destination.open(self.dataset_name, write=False) as session:
            memory = refresh.forgotten(recall(session, self.name, source.name))
        said = contract or source.schema_contract
        contracts = Contracts.of(
            memory.schema, said, f"source '{source.name}'", by_run=bool(contract)
        )
        schema = memory.schema or new_schema(source.name, self._naming_name())
        schema = _with_contract(_with_nesting(schema, source.max_table_nesting), said)
        schema = with_root_keys(schema, {}, source.root_key)
        naming = naming_convention(schema.naming, self.destination.max_identifier)
        roots: dict[str, Table] = {}
        for resource in source.selected_resources.values():
            if resource.has_dynamic_table_name:
                known = schema.tables_of(resource.name)
                roots.update({table.name: table for table in known if table.parent is None})
                continue
            root, *_ = self._declared(resource, resource.hints, naming, contracts)
            roots[root.name] = merged_table(root, schema.tables.get(root.name))
            merging(roots[root.name])  # which refuses what no rows can be merged by
        base = memory.state or fresh_state(
            self.name, self.dataset_name, source.name, self.destination.name
        )
        begun = _begun(base, source)
        return _Plan(source, memory, schema, naming, roots, contracts, base, begun, refresh)

    def _declared(
        self, resource: Resource, hints: Hints, naming: Naming, contracts: Contracts
    ) -> Declared:
        root = contracts.admitted(resource.root_table(naming, hints))
        self._check(root, resource.name)
        return root, *hints.nested_tables(root, naming)

    def _naming_name(self) -> str:
        said = self.settings.resolve(
            "naming", sections=("schema",), hint=str, secret=False, default="snake_case"
        )
        return str(said)

    def _system_columns(self) -> SystemColumns:
        sections = ("normalize", "parquet_normalizer")
        load_id, row_id = (
            self.settings.resolve(key, sections=sections, hint=bool, secret=False, default=False)
            for key in ("add_dlt_load_id", "add_dlt_id")
        )
        return SystemColumns(load_id, row_id)

    def _check(self, root: Table, resource: str) -> None:
        able = self.destination.dispositions
        if root.write_disposition not in able:
            raise ConfigError(
                f"{self.destination.name} cannot {root.write_disposition} (resource '{resource}')",
                hint=f"It can: {', '.join(sorted(able))}.",
            )
        strategy = strategy_of(root)
        if strategy is not None and strategy not in self.destination.strategies:
            raise ConfigError(
                f"{self.destination.name} cannot merge by {strategy} (resource '{resource}')",
                hint=f"It can: {', '.join(sorted(self.destination.strategies))}.",
            )

    def _fill(self, plan: _Plan, package: Package | None, limit: int | None) -> Extraction:
        load_id = package.load_id if package is not None else "0"
        known = [root for root in plan.roots.values() if root.name in plan.schema.tables]
        splitter = Splitter(
            plan.schema.with_tables(known),
            plan.naming,
            load_id,
            package,
            plan.contracts,
            self._system_columns(),
            self.meter,
        )

        def declare(resource: Resource, hints: Hints) -> Declared:
            return self._declared(resource, hints, plan.naming, plan.contracts)

        resources = plan.source.selected_resources
        work = Extraction(resources, declare, splitter, self.progress, limit, meter=self.meter)
        with collected_rarely():
            work.run(pages([plan.source], plan.state, self.settings, self.name, plan.window))
        roots = {**plan.roots, **work.roots}
        splitter.schema = with_root_keys(splitter.schema, roots, plan.source.root_key)
        return work

    def _package(
        self,
        plan: _Plan,
        work: Extraction,
        package: Package,
        done: Committed | Unchanged,
        seconds: float,
    ) -> LoadPackageInfo | None:
        """What was in `package`, told while its files are there; None if nothing was loaded."""
        if isinstance(done, Unchanged):
            return None
        return LoadPackageInfo(
            load_id=package.load_id,
            package_path=str(package.folder),
            schema=done.schema,
            completed_at=datetime.now(UTC),
            done=jobs_of(package, done.state_rows, seconds),
            schema_update=schema_update(plan.memory.schema, done.schema),
            extracted=dict(work.taken),
            refresh=plan.refresh.mode,
            dropped_tables=done.refreshed if plan.refresh.drops else (),
            truncated_tables=() if plan.refresh.drops else done.refreshed,
        )

    def _load(
        self, plan: _Plan, work: Extraction, package: Package, allow_empty: bool
    ) -> Committed | Unchanged:
        schema = work.splitter.schema
        roots = list({**plan.roots, **work.roots}.values())
        replaces = any(map(retires_absent, roots))
        same_state = state_hash(stored(plan.state)[0]) == plan.base.get("_version_hash")
        if not (package.counts or replaces or plan.refresh.mode) and same_state:
            with self.destination.open(self.dataset_name, write=False) as session:
                if not Part.found(session, plan.part).earlier:
                    resources = plan.source.selected_resources
                    names = [t.name for r in resources for t in schema.tables_of(r)]
                    tables = look(session, self.destination, self.dataset_name, names, {}, {})
                    return Unchanged(schema, tables)
        load = Load(
            self.name,
            self.dataset_name,
            package,
            schema,
            plan.base,
            plan.state,
            roots,
            allow_empty,
            plan.refresh,
            self.meter,
            plan.part,
        )
        return commit(load, self.destination)


def _schema_name(pipeline: str) -> str:
    """The name of the schema for data that belongs to no source, as dlt derives it."""
    short = pipeline.removesuffix("_pipeline") or pipeline
    return naming_convention("snake_case").identifier(short)


def _with_contract(schema: Schema, contract: Any) -> Schema:
    """`schema` with the contract of the source or the run, which dlt keeps in the settings."""
    if schema.settings.get(HINT) == contract:
        return schema
    settings = {key: value for key, value in schema.settings.items() if key != HINT}
    return replace(schema, settings={**settings, HINT: contract} if contract else settings)


def _with_nesting(schema: Schema, max_nesting: int | None) -> Schema:
    """`schema` with the nesting limit of the source, which dlt keeps in the normalizer's config."""
    if schema.max_nesting == max_nesting:
        return schema
    json = dict(schema.normalizers.get("json", {}))
    config = {k: v for k, v in json.get("config", {}).items() if k != "max_nesting"}
    if max_nesting is not None:
        config["max_nesting"] = max_nesting
    json.pop("config", None)
    if config:
        json["config"] = config
    return replace(schema, normalizers={**schema.normalizers, "json": json})


def _begun(base: State, source: Source) -> dict[str, Any]:
    """A copy of `base` for the run to change, with what replaced resources kept thrown away."""
    state = copy.deepcopy(base)
    chosen = source.selected_resources.values()
    replaced = [resource.name for resource in chosen if resource.hints.disposition == "replace"]
    if replaced:
        kept = state.setdefault("sources", {}).setdefault(source.name, {})
        for name in replaced:
            kept.get("resources", {}).pop(name, None)
    return state
