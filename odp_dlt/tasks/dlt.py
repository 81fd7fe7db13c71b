"""`task_type: dlt`: one resource of a source, with all tables that its nested data becomes."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field

from odp_dlt.destinations.base import Destination, Session, TableView, destinations
from odp_dlt.errors import ConfigError, SchemaFileError, StateMoved
from odp_dlt.pipeline.info import LoadInfo
from odp_dlt.pipeline.pipeline import Pipeline
from odp_dlt.registry import nearest
from odp_dlt.resources.dlt import DltProject
from odp_dlt.schema.internal import new_schema
from odp_dlt.schema.model import Schema, Table
from odp_dlt.schema.naming import naming_convention
from odp_dlt.schema.stored import read_schema_file
from odp_dlt.settings import Settings, exported
from odp_dlt.tasks.base import Context, Done, LaunchParam, Planned, Site, Task
from odp_dlt.tasks.columns import loaded_columns, planned_columns
from odp_dlt.tasks.drift import Drift, accept
from odp_dlt.tasks.facts import Facts
from odp_dlt.tasks.lineage import Lineage
from odp_dlt.tasks.params import ParamError, holds_template, validated, validated_unless_template
from odp_dlt.tasks.run_params import LIMIT, REFRESH, PipelineParams, RunParams
from odp_dlt.tasks.source_load import SourceLoad
from odp_dlt.tasks.source_module import SourceCode, locate, source_file

R = TypeVar("R")

_log = logging.getLogger(__name__)

ATTEMPTS = 4  # a load that another one overtook starts again, with what that one left


class Dlt(Task):
    """Loads the resource named by the last part of the asset key."""

    needs: ClassVar[frozenset[str]] = frozenset({"dlt"})
    loads: ClassVar[bool] = True
    by_partition: ClassVar[bool] = True

    source_module: str
    schema_file_path: str
    source_params: dict[str, Any] = Field(default_factory=dict)
    destination: str
    destination_params: dict[str, Any] = Field(default_factory=dict)
    pipeline_params: PipelineParams
    run_params: RunParams = RunParams()
    on_new_table: Literal["observe", "materialize", "fail"] = "materialize"

    def assets(self, asset_key: str, site: Site) -> list[Planned]:
        """One asset for each table of the resource in the schema file.

        Reads the schema file and the text of the source module, and executes neither.
        """
        self._must_be_known(asset_key)
        code = self._code(site)
        target = self._possible_target(site)
        schema = self._stored_schema(asset_key, site)
        keys = _keys(asset_key, schema)
        lineage = _lineage(asset_key, schema, keys)
        return [
            Planned(
                keys[table.name],
                parent=keys.get(table.parent, asset_key) if table.parent else None,
                external=None if table.parent else asset_key.rpartition("/")[0],
                description=table.description,
                columns=planned_columns(table, target, lineage),
                table_name=self._address(table, target),
                kinds=frozenset({"dlt", self.destination.rpartition(".")[2].lower()}),
                file=code.file,
                line=code.line,
            )
            for table in (schema.tables[name] for name in keys)
        ]

    def run(self, context: Context) -> Iterator[Done]:
        """Load the resource, whole; one Done for each table of it, after the commit of all.

        A load that another one overtook is begun again, with a fresh source.
        """
        schema = self._stored_schema(context.asset_key, context.site)
        load, keys = self._load(context), _keys(context.asset_key, schema)
        context.keys.update(keys)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                info = load.with_source(load.run)
                break
            except StateMoved:
                if attempt == ATTEMPTS:
                    raise
                context.log.warning("another run was faster; starting again from where it ended")
        yield from self._told(context, schema, info)

    def launch_params(self, site: Site) -> list[LaunchParam]:
        """`refresh`, `limit`, and the parameters of the source, but none of its secrets."""
        own = [
            LaunchParam(("source_params", param.name), param.type, f"Of the source: `{param}`.")
            for param in self._code(site).params
            if not param.is_secret
        ]
        return [REFRESH, LIMIT, *own]

    def _told(self, context: Context, schema: Schema, info: LoadInfo) -> Iterator[Done]:
        """Each planned table, and each that the schema file does not know yet."""
        key, keys, drift = context.asset_key, context.keys, Drift.of(info, schema)
        main = next(name for name, its in keys.items() if its == key)
        facts = Facts(
            info,
            key.rpartition("/")[2],
            main,
            frozenset(keys),
            drift,
            context.partition is not None,
        )
        lineage = _lineage(key, info.schema, keys)
        if drift:
            context.log.info("%s", drift.told(key))
        for name in [*keys, *(table.name for table in drift.tables)]:
            its = keys.get(name) or f"{key.rpartition('/')[0]}/{name}"
            found, how = info.tables.get(name), None if name in keys else self._new_tables()
            columns = None if found is None else loaded_columns(found, lineage)
            yield Done(its, facts.of(name), columns, exists=found is not None, undeclared=how)
        if drift.tables and self.on_new_table == "fail":
            raise SchemaFileError(
                f"the load brought tables that are no assets yet: {drift.new_tables}",
                at=self.schema_file(context.site),
                hint=f"They are loaded. Accept them: {accept(key)}",
            )

    def _new_tables(self) -> Literal["materialize", "observe"]:
        return "observe" if self.on_new_table == "observe" else "materialize"

    @contextmanager
    def reading(self, context: Context) -> Iterator[tuple[Pipeline, Session]]:
        """The pipeline, and a session on its dataset that can write nothing.

        ParamError if only a run for a partition can say where that is.
        """
        dataset = self.pipeline_params.dataset_name
        where = {"destination_params": self.destination_params, "pipeline_params": dataset}
        for name, value in where.items():
            if holds_template(value):
                said = "where the tables are depends on the run, and this is none"
                raise ParamError(said, (name,))
        pipeline = self._load(context).pipeline
        with (
            exported(pipeline.settings, os.environ),
            pipeline.destination.open(pipeline.dataset_name, write=False) as session,
        ):
            yield pipeline, session

    @contextmanager
    def look(
        self, context: Context, reported: Mapping[str, Mapping[str, Any]]
    ) -> Iterator[Mapping[str, TableView]]:
        schema = self._stored_schema(context.asset_key, context.site)
        keys = _keys(context.asset_key, schema)
        with self.reading(context) as (_, session):
            yield {
                key: TableView(session, name, schema.tables[name].parent)
                for name, key in keys.items()
            }

    def discover(self, context: Context, limit: int | None = None) -> Schema:
        """What the source's data would become, of at most `limit` rows; loads nothing."""
        load = self._load(context)
        return load.with_source(lambda source: load.pipeline.discover(source, limit, load.window))

    def schema_file(self, site: Site) -> Path:
        """The schema file; a relative path counts from the project folder."""
        return _project_dir(site) / self.schema_file_path

    def _must_be_known(self, asset_key: str) -> None:
        """ConfigError if what the assets depend on is not known before a run."""
        if "/" not in asset_key:
            raise ConfigError(
                f"the key of a dlt asset has at least two parts, and '{asset_key}' has one",
                hint=f"Put the name of the source in front: SOURCE/{asset_key}",
            )
        for name in ("source_module", "schema_file_path", "destination"):
            if holds_template(getattr(self, name)):
                raise ParamError(
                    f"'{name}' cannot be a template of the run: the assets depend on it", (name,)
                )

    def _stored_schema(self, asset_key: str, site: Site) -> Schema:
        """The schema file's content. SchemaFileError if it is not there, or lacks the resource."""
        file, resource = self.schema_file(site), asset_key.rpartition("/")[2]
        if site.discovered is not None and not file.exists():
            if asset_key in site.discovered:
                return site.discovered[asset_key]
            _log.warning(
                "%s has no schema file %s, so only its root table is an asset: "
                "odp schema export %s",
                asset_key,
                file.name,
                asset_key,
            )
            return _root_alone(resource)
        hint = f"Write it from the source's data: odp schema export {asset_key}"
        schema = site.once("schema", file, lambda: read_schema_file(file, hint=hint))
        if not schema.tables_of(resource):
            known = sorted({t.resource for t in schema.data_tables() if t.resource})
            raise SchemaFileError(
                f"the schema file has no table of the resource '{resource}'",
                at=file,
                hint=f"{nearest(resource, known)} {hint}",
            )
        return schema

    def _code(self, site: Site) -> SourceCode:
        project, name = _project_dir(site), self.source_module
        try:
            file, *_ = source_file(project, name)
            return site.once(f"source {name}", file, lambda: locate(project, name))
        except ConfigError as e:
            if e.at is None:
                raise ParamError(e.message, ("source_module",), hint=e.hint) from e
            raise

    def _load(self, context: Context) -> SourceLoad:
        """Everything that a load needs, checked before anything is fetched."""
        self._must_be_known(context.asset_key)
        code, name = self._code(context.site), self.pipeline_params.pipeline_name
        kind = self._kind()
        pipeline = Pipeline(
            name or context.asset_key.replace("/", "__"),
            validated(kind, self.destination_params, context.site.root, "destination_params"),
            self.pipeline_params.dataset_name,
            Settings.from_folder(_project_dir(context.site)).with_folder(code.file.parent),
            progress=context.progress,
            meter=context.meter,
        )
        how, resource = self.run_params, context.asset_key.rpartition("/")[2]
        if context.follows:
            how = how.model_copy(update={"refresh": None})  # what a run forgets, it forgets once
        part = f"{context.asset_key}:{context.partition}" if context.partition else None
        return SourceLoad(
            self.source_params,
            how,
            code,
            resource,
            pipeline,
            context.window if how.window == "incremental" else None,
            part if how.rerun == "replace" else None,
        )

    def _kind(self) -> type[Destination]:
        """The destination's class, if it can do what is asked of it."""
        try:
            kind = destinations.find(self.destination)
        except ConfigError as e:
            raise ParamError(e.message, ("destination",), hint=e.hint) from e
        disposition = self.run_params.write_disposition
        if disposition is not None and disposition not in kind.dispositions:
            raise ParamError(
                f"the destination '{self.destination}' cannot '{disposition}' yet",
                ("run_params", "write_disposition"),
                hint=f"It can: {', '.join(sorted(kind.dispositions))}.",
            )
        return kind

    def _possible_target(self, site: Site) -> Destination | None:
        """The destination, as far as it is known before a run."""
        kind, params = self._kind(), self.destination_params
        return validated_unless_template(kind, params, site.root, "destination_params")

    def _address(self, table: Table, target: Destination | None) -> str | None:
        dataset = self.pipeline_params.dataset_name
        if target is None or holds_template(dataset):
            return None
        naming = naming_convention("snake_case", target.max_identifier)
        return target.address(naming.path(dataset), table.name)


def _root_alone(resource: str) -> Schema:
    """What is known of a resource of which nothing is known."""
    schema = new_schema(resource)
    name = naming_convention(schema.naming).path(resource)
    return schema.with_tables([Table(name, resource=resource)])


def _project_dir(site: Site) -> Path:
    project = site.resource("dlt")
    assert isinstance(project, DltProject)
    return project.project_dir


def _keys(asset_key: str, schema: Schema) -> dict[str, str]:
    """Table name → asset key, parents first.

    The root table is the asset itself, whatever it is called; the others follow its key's prefix.
    Of several roots it is the one that is named as the resource is.
    """
    prefix, _, resource = asset_key.rpartition("/")
    tables = schema.tables_of(resource)
    roots = [table.name for table in tables if table.parent is None]
    own = naming_convention(schema.naming).path(resource)
    main = own if own in roots else roots[0]
    return {
        t.name: asset_key if t.name == main else f"{prefix}/{t.name}"
        for t in tables
        if t.name == main or t.typed_columns()  # a table without columns is nowhere
    }


def _lineage(asset_key: str, schema: Schema, keys: Mapping[str, str]) -> Lineage:
    external, _, resource = asset_key.rpartition("/")
    return Lineage(schema, resource, external, keys)
