"""Pipeline: extract → normalize → load, written in that order."""

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
from odp_dlt.pipeline.apart import TableNames, table_names
from odp_dlt.pipeline.beginning import (
    begun_state,
    contract_of,
    schema_name,
    with_contract,
    with_nesting,
)
from odp_dlt.pipeline.boundary import stored
from odp_dlt.pipeline.collector import collected_rarely
from odp_dlt.pipeline.commit import Committed, Load, Unchanged, commit, look
from odp_dlt.pipeline.data import RunHints, as_sources
from odp_dlt.pipeline.importing import schema_path, with_import, write_import
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
from odp_dlt.schema.contract import Contracts
from odp_dlt.schema.defaults import defaults_of
from odp_dlt.schema.imported import refuse_retyped, unseen
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
    names: TableNames
    roots: Mapping[str, Table]  # by table name; those that are known before any row
    nested: Mapping[str, Table]  # those that hints speak of, which need not come to be
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
    `refresh` counts for every run that does not say another. A schema's file in
    `import_schema_path`, which a person edits, goes over what the dataset knows; the first run
    writes it. Each run writes the whole schema to its file in `export_schema_path`.
    """

    name: str
    destination: Destination
    dataset_name: str
    settings: Settings
    work_dir: Path | None = None
    progress: Callable[[str], None] = silent
    import_schema_path: Path | None = None
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
            sources = as_sources(data, schema_name(self.name), hints)
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
            self._write_import(plan, work)
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
            shared = self.export_schema_path == self.import_schema_path
            file = schema_path(self.export_schema_path, schema.name)
            write_schema_file(unseen(schema) if shared else schema, file)
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
        known = with_import(memory.schema, source.name, self.import_schema_path)
        said, origin = contract_of(source, contract, known)
        contracts = Contracts.of(known, said, origin, by_run=bool(contract))
        schema = known or new_schema(source.name, self._naming_name())
        schema = with_contract(with_nesting(schema, source.max_table_nesting), said)
        schema = with_root_keys(schema, {}, source.root_key)
        defaults_of(schema.settings)  # which refuses settings that are none
        naming = naming_convention(schema.naming, self.destination.max_identifier)
        names = table_names(source, schema, naming)
        roots: dict[str, Table] = {}
        nested: dict[str, Table] = {}
        for resource in source.selected_resources.values():
            if resource.has_dynamic_table_name:
                there = schema.tables_of(resource.name)
                roots.update({table.name: table for table in there if table.parent is None})
                continue
            declared = self._declared(resource, resource.hints, naming, contracts)
            refuse_retyped(declared, schema, resource.name)
            for table in (merged_table(t, schema.tables.get(t.name)) for t in declared):
                (nested if table.parent else roots)[table.name] = table
                merging(table)  # which refuses what no rows can be merged by
        base = memory.state or fresh_state(
            self.name, self.dataset_name, source.name, self.destination.name
        )
        begun = begun_state(base, source)
        return _Plan(
            source, memory, schema, naming, names, roots, nested, contracts, base, begun, refresh
        )

    def _declared(
        self, resource: Resource, hints: Hints, naming: Naming, contracts: Contracts
    ) -> Declared:
        root = resource.root_table(naming, hints)
        declared = [root, *hints.nested_tables(root, naming)]
        for table in declared:
            if table.parent is None:
                self._check(table, resource.name)
        return contracts.admitted(declared)

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
            declared = self._declared(resource, hints, plan.naming, plan.contracts)
            refuse_retyped(declared, plan.schema, resource.name)
            return declared

        resources = plan.source.selected_resources
        work = Extraction(
            resources, declare, splitter, plan.names, self.progress, limit, meter=self.meter
        )
        with collected_rarely():
            work.run(pages([plan.source], plan.state, self.settings, self.name, plan.window))
        work.roots = {**{t.name: t for t in splitter.broken_out()}, **work.roots}
        roots = {**plan.roots, **work.roots}
        splitter.schema = with_root_keys(splitter.schema, roots, plan.source.root_key)
        return work

    def _write_import(self, plan: _Plan, work: Extraction) -> None:
        """As in dlt, once the rows are there, whether or not they can be loaded."""
        schema, declared = work.splitter.schema, {**plan.roots, **plan.nested, **work.roots}
        first = replace(plan.schema, settings=schema.settings, normalizers=schema.normalizers)
        written = write_import(first, declared.values(), self.import_schema_path)
        if written is not None:
            work.splitter.schema = replace(schema, imported_hash=written)

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
