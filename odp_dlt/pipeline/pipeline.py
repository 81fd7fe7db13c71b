"""Pipeline: extract → normalize → load, written in that order."""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from odp_dlt.destinations.base import Destination
from odp_dlt.errors import ConfigError
from odp_dlt.extract.hints import Hints
from odp_dlt.extract.pages import pages
from odp_dlt.extract.resource import Resource
from odp_dlt.extract.source import Source
from odp_dlt.normalize.tabular import SystemColumns
from odp_dlt.pipeline.collector import collected_rarely
from odp_dlt.pipeline.commit import Load, commit, look
from odp_dlt.pipeline.data import as_sources
from odp_dlt.pipeline.info import LoadInfo, TableLoad
from odp_dlt.pipeline.package import Package, new_package
from odp_dlt.pipeline.recall import Memory, recall
from odp_dlt.pipeline.stage import Declared, Extraction, Splitter, merged_table
from odp_dlt.pipeline.state import State, fresh_state, state_hash
from odp_dlt.schema.contract import HINT, Contracts
from odp_dlt.schema.internal import new_schema
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


@dataclass(frozen=True)
class Pipeline:
    """A named way from sources to one dataset of a destination.

    Holds no state and no connection: what it knows is in the destination, what it extracts is in a
    folder of the run's own below `work_dir` (by default the system's folder for temporary files).
    """

    name: str
    destination: Destination
    dataset: str
    settings: Settings
    work_dir: Path | None = None
    progress: Callable[[str], None] = silent
    export_schema_path: Path | None = None

    @property
    def dataset_name(self) -> str:
        """The dataset's name as the destination has it."""
        return naming_convention("snake_case", self.destination.max_identifier).path(self.dataset)

    @property
    def pipeline_name(self) -> str:
        """dlt's word for `name`."""
        return self.name

    def run(
        self,
        data: Any,
        *,
        table_name: str | None = None,
        write_disposition: Any = None,
        columns: Any = None,
        primary_key: Any = None,
        schema_contract: Any = None,
    ) -> LoadInfo:
        """Load `data` (a source, resources, rows), each source in one commit; the hints override.

        Raises before anything is fetched if the destination cannot do what the hints ask for, and
        StateMoved, with nothing written, if another run changed what this one began from.
        ContractError, with nothing written, for rows that a contract refuses.
        """
        hints = {
            "table_name": table_name,
            "write_disposition": write_disposition,
            "columns": columns,
            "primary_key": primary_key,
            "schema_contract": schema_contract,
        }
        sources = as_sources(data, _schema_name(self.name), hints)
        plans = [self._plan(source, schema_contract) for source in sources]
        if not plans:
            raise ConfigError("there is no source to load")
        first, *others = [self._run(plan) for plan in plans]
        return replace(first, others=tuple(others))

    def discover(self, source: Source, limit: int | None = None) -> Schema:
        """The schema that loading `source` would end with; takes `limit` rows a resource, loads
        none.
        """
        return bump(self._fill(self._plan(source), None, limit).splitter.schema)

    def _run(self, plan: _Plan) -> LoadInfo:
        started_at, clock = datetime.now(UTC), time.perf_counter()
        with new_package(str(time.time()), self.work_dir) as package:
            work = self._fill(plan, package, None)
            extracted = time.perf_counter()
            self.progress(f"loading: {sum(package.counts.values()):,} rows")
            schema, tables, load_id = self._load(plan, work, package)
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
            load_id=load_id,
            schema=schema,
            started_at=started_at,
            finished_at=datetime.now(UTC),
            seconds=seconds,
            tables=tables,
            discarded=work.left_out,
        )

    def _plan(self, source: Source, contract: Any = None) -> _Plan:
        """`contract` is the run's own, for the source and for its tables."""
        with self.destination.open(self.dataset_name, write=False) as session:
            memory = recall(session, self.name, source.name)
        said = contract or source.schema_contract
        contracts = Contracts.of(
            memory.schema, said, f"source '{source.name}'", by_run=bool(contract)
        )
        schema = memory.schema or new_schema(source.name, self._naming_name())
        schema = _with_contract(_with_nesting(schema, source.max_table_nesting), said)
        naming = naming_convention(schema.naming, self.destination.max_identifier)
        roots: dict[str, Table] = {}
        for resource in source.selected_resources.values():
            if resource.has_dynamic_table_name:
                known = schema.tables_of(resource.name)
                roots.update({table.name: table for table in known if table.parent is None})
                continue
            root, *_ = self._declared(resource, resource.hints, naming, contracts)
            roots[root.name] = merged_table(root, schema.tables.get(root.name))
        base = memory.state or fresh_state(
            self.name, self.dataset_name, source.name, self.destination.name
        )
        begun = _begun(base, source)
        return _Plan(source, memory, schema, naming, roots, contracts, base, begun)

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
        )

        def declare(resource: Resource, hints: Hints) -> Declared:
            return self._declared(resource, hints, plan.naming, plan.contracts)

        resources = plan.source.selected_resources
        work = Extraction(resources, declare, splitter, self.progress, limit)
        with collected_rarely():
            work.run(pages([plan.source], plan.state, self.settings, self.name))
        return work

    def _load(
        self, plan: _Plan, work: Extraction, package: Package
    ) -> tuple[Schema, dict[str, TableLoad], str | None]:
        schema = work.splitter.schema
        roots = list({**plan.roots, **work.roots}.values())
        replaces = any(root.write_disposition == "replace" for root in roots)
        same_state = state_hash(plan.state) == plan.base.get("_version_hash")
        if not package.counts and not replaces and same_state:
            with self.destination.open(self.dataset_name, write=False) as session:
                resources = plan.source.selected_resources
                names = [t.name for r in resources for t in schema.tables_of(r)]
                return schema, look(session, self.destination, self.dataset_name, names, {}), None
        load = Load(self.name, self.dataset_name, package, schema, plan.base, plan.state, roots)
        schema, tables = commit(load, self.destination)
        return schema, tables, package.load_id


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
