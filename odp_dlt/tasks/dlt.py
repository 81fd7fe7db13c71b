"""`task_type: dlt`: one resource of a source, with all tables that its nested data becomes."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from odp_dlt.destinations.base import Destination, destinations
from odp_dlt.errors import ConfigError, SchemaFileError, StateMoved
from odp_dlt.extract.current import Running, running
from odp_dlt.extract.source import Source
from odp_dlt.pipeline.info import LoadInfo, TableLoad
from odp_dlt.pipeline.pipeline import Pipeline
from odp_dlt.registry import nearest
from odp_dlt.resources.dlt import DltProject
from odp_dlt.schema.internal import new_schema
from odp_dlt.schema.model import Column, Disposition, Schema, Table
from odp_dlt.schema.naming import naming_convention
from odp_dlt.schema.stored import read_schema_file
from odp_dlt.settings import Settings, exported
from odp_dlt.tasks.base import ColumnInfo, Context, Done, LaunchParam, Planned, Site, Task
from odp_dlt.tasks.lineage import Lineage
from odp_dlt.tasks.params import ParamError, holds_template, validated, validated_unless_template
from odp_dlt.tasks.source_module import SourceCode, locate

R = TypeVar("R")

_log = logging.getLogger(__name__)

_REFRESH = LaunchParam(
    ("run_params", "refresh"),
    str,
    "What to forget before the load, in the same commit: nothing (`none`), only where cursors "
    "stand (`state`), all rows too (`data`), or the tables themselves (`table`).",
    "refresh",
    {"none": None, "state": "drop_state", "data": "drop_data", "table": "drop_resources"},
)
_LIMIT = LaunchParam(
    ("run_params", "limit"),
    int,
    "Take at most so many rows. No cursor moves: the next run gets all rows that this one could.",
    "limit",
)

ATTEMPTS = 4  # a load that another one overtook starts again, with what that one left


class PipelineParams(BaseModel):
    """Where the tables go, and under which name the pipeline keeps its state."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset_name: str
    pipeline_name: str | None = None


class RunParams(BaseModel):
    """How a load treats what is there already; None leaves it to the resource.

    `allow_empty` lets a replace, or the scd2 of a whole snapshot, end all that is there when the
    source brings no rows; else that is an error. `refresh` is for every run: of one, whoever
    launches it decides. With a `limit` a run takes so many rows at most, and no cursor moves.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    write_disposition: Disposition | None = None
    allow_empty: bool = False
    refresh: Literal["drop_sources", "drop_resources", "drop_data", "drop_state"] | None = None
    limit: int | None = Field(None, ge=1)


class Dlt(Task):
    """Loads the resource named by the last part of the asset key."""

    needs: ClassVar[frozenset[str]] = frozenset({"dlt"})

    source_module: str
    schema_file_path: str
    source_params: dict[str, Any] = Field(default_factory=dict)
    destination: str
    destination_params: dict[str, Any] = Field(default_factory=dict)
    pipeline_params: PipelineParams
    run_params: RunParams = RunParams()

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
                columns=_planned_columns(table, target, lineage),
                table_name=self._address(table, target),
                kinds=frozenset({"dlt", self.destination.rpartition(".")[2].lower()}),
                file=code.file,
                line=code.line,
            )
            for table in (schema.tables[name] for name in keys)
        ]

    def run(self, context: Context) -> Iterator[Done]:
        """Load the resource, whole; one Done for each table of it that exists now.

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
        in_files = load.pipeline.destination.holds_files
        lineage = _lineage(context.asset_key, info.schema, keys)
        for name, table in info.tables.items():
            if name in keys:
                yield Done(keys[name], _metadata(info, table, in_files), _columns(table, lineage))
            else:
                context.log.warning(
                    "table '%s' is new, so it is no asset yet: odp schema export %s",
                    table.address,
                    context.asset_key,
                )

    def launch_params(self, site: Site) -> list[LaunchParam]:
        """`refresh`, `limit`, and the parameters of the source, but none of its secrets."""
        own = [
            LaunchParam(("source_params", param.name), param.type, f"Of the source: `{param}`.")
            for param in self._code(site).params
            if not param.is_secret
        ]
        return [_REFRESH, _LIMIT, *own]

    def discover(self, context: Context, limit: int | None = None) -> Schema:
        """What the source's data would become, of at most `limit` rows; loads nothing."""
        load = self._load(context)
        return load.with_source(lambda source: load.pipeline.discover(source, limit))

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
        schema = read_schema_file(file, hint=hint)
        if not schema.tables_of(resource):
            known = sorted({t.resource for t in schema.data_tables() if t.resource})
            raise SchemaFileError(
                f"the schema file has no table of the resource '{resource}'",
                at=file,
                hint=f"{nearest(resource, known)} {hint}",
            )
        return schema

    def _code(self, site: Site) -> SourceCode:
        try:
            return locate(_project_dir(site), self.source_module)
        except ConfigError as e:
            if e.at is None:
                raise ParamError(e.message, ("source_module",), hint=e.hint) from e
            raise

    def _load(self, context: Context) -> "_Load":
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
        return _Load(self, code, context.asset_key.rpartition("/")[2], pipeline)

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


@dataclass(frozen=True)
class _Load:
    """One resource of a source, and the pipeline that it goes through."""

    task: Dlt
    code: SourceCode
    resource: str
    pipeline: Pipeline

    def run(self, source: Source) -> LoadInfo:
        how = self.task.run_params
        return self.pipeline.run(
            source,
            write_disposition=how.write_disposition,
            allow_empty=how.allow_empty,
            refresh=how.refresh,
            limit=how.limit,
        )

    def with_source(self, use: Callable[[Source], R]) -> R:
        """`use` of a fresh source, while the project's settings and secrets are at hand."""
        settings = self.pipeline.settings
        with (
            exported(settings, os.environ),
            running(Running(settings, pipeline_name=self.pipeline.name)),
        ):
            source = self.code.factory()(**self.task.source_params)
            if self.resource not in source.resources:
                raise ConfigError(
                    f"the source '{source.name}' has no resource '{self.resource}', "
                    "which is the last part of the asset key",
                    at=self.code.file,
                    hint=nearest(self.resource, source.resources),
                )
            return use(source.with_resources(self.resource))


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


def _planned_columns(
    table: Table, target: Destination | None, lineage: Lineage
) -> tuple[ColumnInfo, ...]:
    def type_name(column: Column) -> str:
        return (target.type_name(column) if target else column.data_type) or "unknown"

    columns = table.typed_columns().values()
    return tuple(_column(one.name, type_name(one), one, table, lineage) for one in columns)


def _columns(loaded: TableLoad, lineage: Lineage) -> tuple[ColumnInfo, ...]:
    table = lineage.schema.tables[loaded.name]
    return tuple(
        _column(name, type_name, table.columns.get(name), table, lineage)
        for name, type_name in loaded.columns.items()
    )


def _column(
    name: str, type_name: str, column: Column | None, table: Table, lineage: Lineage
) -> ColumnInfo:
    if column is None:
        return ColumnInfo(name, type_name)
    return ColumnInfo(
        name,
        type_name,
        column.is_nullable,
        column.description,
        tuple(key for key, value in column.hints.items() if value is True),
        comes_from=lineage.comes_from(table, column),
    )


def _metadata(info: LoadInfo, table: TableLoad, in_files: bool) -> dict[str, Any]:
    """What is told of one table; its keys are what templates of assets downstream can name."""
    return {
        "destination_table_id": table.address,
        **({"destination_file_uri": table.address} if in_files else {}),
        "destination_name": info.destination_name,
        "dataset_name": info.dataset_name,
        "load_id": info.load_id,
        "dagster/row_count": table.total,
        "rows_loaded": table.rows,
        "bytes_loaded": table.size,
        "started_at": info.started_at,
        "finished_at": info.finished_at,
        **{f"{phase}_s": round(seconds, 3) for phase, seconds in info.seconds.items()},
    }
