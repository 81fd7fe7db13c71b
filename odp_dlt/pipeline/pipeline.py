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
from odp_dlt.extract.pages import pages
from odp_dlt.extract.source import Source
from odp_dlt.pipeline.collector import collected_rarely
from odp_dlt.pipeline.commit import Load, commit, look
from odp_dlt.pipeline.data import as_sources
from odp_dlt.pipeline.info import LoadInfo, TableLoad
from odp_dlt.pipeline.package import Package, new_package
from odp_dlt.pipeline.recall import Memory, recall
from odp_dlt.pipeline.stage import Extraction, Splitter, merged_root
from odp_dlt.pipeline.state import State, fresh_state, state_hash
from odp_dlt.schema.internal import new_schema
from odp_dlt.schema.model import Schema, Table
from odp_dlt.schema.naming import Naming, naming_convention
from odp_dlt.schema.stored import bump, write_schema_file
from odp_dlt.settings import Settings


def _silent(_line: str) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class _Plan:
    """What a run is about to do, settled before anything is fetched."""

    source: Source
    memory: Memory
    schema: Schema
    naming: Naming
    roots: Mapping[str, Table]  # by resource
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
    progress: Callable[[str], None] = _silent
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
    ) -> LoadInfo:
        """Load `data` (a source, resources, rows), each source in one commit; the hints override.

        Raises before anything is fetched if the destination cannot do what the hints ask for, and
        StateMoved, with nothing written, if another run changed what this one began from.
        """
        hints = {
            "table_name": table_name,
            "write_disposition": write_disposition,
            "columns": columns,
            "primary_key": primary_key,
        }
        plans = [self._plan(s) for s in as_sources(data, _schema_name(self.name), hints)]
        if not plans:
            raise ConfigError("there is no source to load")
        first, *others = [self._run(plan) for plan in plans]
        return replace(first, others=tuple(others))

    def discover(self, source: Source, limit: int | None = None) -> Schema:
        """The schema that loading `source` would end with; takes `limit` rows a resource, loads
        none.
        """
        schema, _ = self._fill(self._plan(source), None, limit)
        return bump(schema)

    def _run(self, plan: _Plan) -> LoadInfo:
        started_at, clock = datetime.now(UTC), time.perf_counter()
        with new_package(str(time.time()), self.work_dir) as package:
            schema, splitting = self._fill(plan, package, None)
            extracted = time.perf_counter()
            self.progress(f"loading: {sum(package.counts.values()):,} rows")
            schema, tables, load_id = self._load(plan, schema, package)
        seconds = {
            "extract": extracted - clock,
            "normalize": splitting,
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
        )

    def _plan(self, source: Source) -> _Plan:
        with self.destination.open(self.dataset_name, write=False) as session:
            memory = recall(session, self.name, source.name)
        if source.schema_contract:
            raise _no_contracts(f"source '{source.name}'")
        schema = memory.schema or new_schema(source.name, self._naming_name())
        schema = _with_nesting(schema, source.max_table_nesting)
        naming = naming_convention(schema.naming, self.destination.max_identifier)
        roots = {}
        for resource in source.selected_resources.values():
            hinted = resource.root_table(naming)
            self._check(hinted, resource.name)
            roots[resource.name] = merged_root(hinted, schema.tables.get(hinted.name))
        base = memory.state or fresh_state(
            self.name, self.dataset_name, source.name, self.destination.name
        )
        return _Plan(source, memory, schema, naming, roots, base, _begun(base, source.name, roots))

    def _naming_name(self) -> str:
        said = self.settings.resolve(
            "naming", sections=("schema",), hint=str, secret=False, default="snake_case"
        )
        return str(said)

    def _check(self, root: Table, resource: str) -> None:
        able = self.destination.dispositions
        if root.write_disposition not in able:
            raise ConfigError(
                f"{self.destination.name} cannot {root.write_disposition} (resource '{resource}')",
                hint=f"It can: {', '.join(sorted(able))}.",
            )
        if root.hints.get("schema_contract"):
            raise _no_contracts(f"resource '{resource}'")

    def _fill(
        self, plan: _Plan, package: Package | None, limit: int | None
    ) -> tuple[Schema, float]:
        load_id = package.load_id if package is not None else "0"
        known = [root for root in plan.roots.values() if root.name in plan.schema.tables]
        splitter = Splitter(plan.schema.with_tables(known), plan.naming, load_id, package)
        work = Extraction(plan.roots, splitter, self.progress, limit)
        with collected_rarely():
            schema = work.run(pages([plan.source], plan.state, self.settings, self.name))
        return schema, splitter.seconds

    def _load(
        self, plan: _Plan, schema: Schema, package: Package
    ) -> tuple[Schema, dict[str, TableLoad], str | None]:
        roots = list(plan.roots.values())
        replaces = any(root.write_disposition == "replace" for root in roots)
        same_state = state_hash(plan.state) == plan.base.get("_version_hash")
        if not package.counts and not replaces and same_state:
            with self.destination.open(self.dataset_name, write=False) as session:
                names = [t.name for r in plan.roots for t in schema.tables_of(r)]
                return schema, look(session, self.destination, self.dataset_name, names, {}), None
        load = Load(self.name, self.dataset_name, package, schema, plan.base, plan.state, roots)
        schema, tables = commit(load, self.destination)
        return schema, tables, package.load_id


def _schema_name(pipeline: str) -> str:
    """The name of the schema for data that belongs to no source, as dlt derives it."""
    short = pipeline.removesuffix("_pipeline") or pipeline
    return naming_convention("snake_case").identifier(short)


def _no_contracts(whose: str) -> ConfigError:
    return ConfigError(
        f"{whose} has a schema contract, which cannot be held yet",
        hint="Take `schema_contract` away; every change of the schema is then accepted.",
    )


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


def _begun(base: State, source: str, roots: Mapping[str, Table]) -> dict[str, Any]:
    """A copy of `base` for the run to change, with what replaced resources kept thrown away."""
    state = copy.deepcopy(base)
    replaced = [name for name, root in roots.items() if root.write_disposition == "replace"]
    if replaced:
        kept = state.setdefault("sources", {}).setdefault(source, {})
        for name in replaced:
            kept.get("resources", {}).pop(name, None)
    return state
