"""Workflows as Dagster Components: `odp_dlt.OdpProject`, and `odp_dlt.DltLoad` for one load.

What stands under `assets`, `params` and the like is ours: Dagster's own templating leaves it alone,
so `{{context.partition_key}}` means there what it means in a workflow file.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import dagster as dg
from dagster.components.utils.defs_state import (
    DefsStateConfig,
    DefsStateConfigArgs,
    ResolvedDefsStateConfig,
)
from pydantic import Field, PrivateAttr

from odp_dlt.definitions.automation import AUTOMATION
from odp_dlt.definitions.build import definitions_of
from odp_dlt.definitions.discover import dlt_asset_of
from odp_dlt.errors import ConfigError, OdpError
from odp_dlt.schema.model import Schema
from odp_dlt.schema.stored import dump_json, load_json
from odp_dlt.workflow.load import inline_workflow, load_workflow, together
from odp_dlt.workflow.models import Origin, Position, Workflow
from odp_dlt.workflow.positions import Document, KeyPath, part_of

Written = Annotated[Any, dg.Resolver.passthrough()]
"""What Dagster hands on as it is written."""

_LOCALLY = "LOCAL_FILESYSTEM"


def _kept_locally() -> DefsStateConfigArgs:
    """State in a file beside the project, renewed only when someone asks: that runs the sources."""
    return DefsStateConfigArgs(management_type=_LOCALLY, refresh_if_dev=False)


class _Workflows(dg.StateBackedComponent, dg.Model, dg.Resolvable):
    """What both components share: definitions from a workflow, and discovered schemas as state."""

    discover_rows: int = Field(
        1000, description="How many rows of a resource `dg utils refresh-defs-state` looks at."
    )
    defs_state: ResolvedDefsStateConfig = Field(default_factory=_kept_locally)
    _root: Path = PrivateAttr(default=Path())
    _file: Path = PrivateAttr(default=Path("defs.yaml"))

    @classmethod
    def load(cls, attributes: Any, context: dg.ComponentLoadContext) -> Any:
        """The component, which then knows where it stands."""
        found = super().load(attributes, context)
        found._root, folder = context.project_root, context.path
        found._file = folder / "defs.yaml" if folder.is_dir() else folder
        return found

    @property
    def defs_state_config(self) -> DefsStateConfig:
        return DefsStateConfig.from_args(self.defs_state, default_key=self._state_key())

    def workflow(self) -> Workflow:
        """What is to become definitions. ConfigError if it is wrong."""
        raise NotImplementedError

    def _state_key(self) -> str:
        raise NotImplementedError

    def write_state_to_path(self, state_path: Path) -> None:
        """Discover the schema of each dlt asset whose file is missing: runs these sources.

        ConfigError that names all that could not be discovered.
        """
        workflow, found, problems = self.workflow(), {}, []
        for asset in workflow.assets:
            if asset.task_type != "dlt":
                continue
            try:
                one = dlt_asset_of(workflow, asset.asset_key)
                if not one.schema_file.exists():
                    schema = one.discover(self.discover_rows, lambda _: None)
                    found[asset.asset_key] = json.loads(dump_json(schema))
            except OdpError as e:
                problems.append(ConfigError(e.message, at=e.at, hint=e.hint))
        if problems:
            raise together(problems)
        state_path.parent.mkdir(parents=True, exist_ok=True)
        state_path.write_text(json.dumps(found), encoding="utf-8")

    def build_defs_from_state(
        self, context: dg.ComponentLoadContext, state_path: Path | None
    ) -> dg.Definitions:
        """All definitions; an asset whose schema is not known has its root table alone."""
        own = re.sub(r"\W+", "_", self._state_key()).strip("_")
        return definitions_of(self.workflow(), _discovered(state_path), f"{AUTOMATION}_{own}")

    def _part(self, path: tuple[str, ...], value: Any) -> Document:
        """What is written under `attributes`, with its places in the file."""
        if not self._file.exists():
            return Document(value, Origin())
        name = self._file
        if self._file.is_relative_to(self._root):
            name = self._file.relative_to(self._root)
        return part_of(self._file, name, ("attributes", *path), value)


class ProjectScaffold(dg.Model):
    """What `dg scaffold defs odp_dlt.OdpProject NAME` takes."""

    config_dir: str = Field("odp_config", description="The configuration folder.")


class ProjectScaffolder(dg.Scaffolder[ProjectScaffold]):
    """Writes a defs.yaml that points to a configuration folder."""

    @classmethod
    def get_scaffold_params(cls) -> type[ProjectScaffold]:
        return ProjectScaffold

    def scaffold(self, request: dg.ScaffoldRequest[ProjectScaffold]) -> None:
        """Write the file."""
        params = request.params or ProjectScaffold()
        dg.scaffold_component(request, {"config_dir": params.config_dir})


class LoadScaffold(dg.Model):
    """What `dg scaffold defs odp_dlt.DltLoad NAME` takes."""

    asset_key: str = Field("shop/api/orders", description="SOURCE/RESOURCE.")
    source_module: str = Field("shop.source", description="Its module, from the project folder.")
    project_dir: str = Field("dlt_project", description="The folder of sources.")
    destination: str = Field("duckdb", description="Where the tables go.")


class LoadScaffolder(dg.Scaffolder[LoadScaffold]):
    """Writes a defs.yaml with one load."""

    @classmethod
    def get_scaffold_params(cls) -> type[LoadScaffold]:
        return LoadScaffold

    def scaffold(self, request: dg.ScaffoldRequest[LoadScaffold]) -> None:
        """Write the file."""
        said = request.params or LoadScaffold()
        source = said.source_module.partition(".")[0]
        attributes = {
            "asset_key": said.asset_key,
            "project_dir": said.project_dir,
            "params": {
                "source_module": said.source_module,
                "schema_file_path": f"schemas/export/{source}.schema.yaml",
                "destination": said.destination,
                "pipeline_params": {"dataset_name": f"{source}_data"},
            },
        }
        dg.scaffold_component(request, attributes)


@dg.scaffold_with(ProjectScaffolder)
class OdpProject(_Workflows):
    """A project of odp_dlt: the workflow files of a folder, or workflows written here."""

    config_dir: str | None = Field(
        None, description="The configuration folder, from the project's root: `odp_config`."
    )
    resources: Written = Field(
        default_factory=list, description="As in dagster_config.yaml; without `config_dir` only."
    )
    workflows: Written = Field(
        None, description="`assets`, `partitions`, `jobs`, as in a workflow file; templates stay."
    )

    def workflow(self) -> Workflow:
        """That of the folder, or what is written here."""
        if (self.config_dir is None) == (self.workflows is None):
            raise ConfigError(
                "an OdpProject has either `config_dir` or `workflows`",
                at=self._file,
                hint="Write `config_dir: odp_config`, or `workflows: {assets: […]}`.",
            )
        if self.config_dir is not None:
            return load_workflow(self._root / self.config_dir)
        resources = self._part(("resources",), self.resources)
        return inline_workflow(
            self._root, _under("resources", resources), self._part(("workflows",), self.workflows)
        )

    def _state_key(self) -> str:
        return f"OdpProject[{self.config_dir or self._file.parent.name}]"


@dg.scaffold_with(LoadScaffolder)
class DltLoad(_Workflows):
    """One dlt resource of a source: its tables, nested ones too, as assets."""

    asset_key: str = Field(description="SOURCE/RESOURCE; the last part names the resource.")
    project_dir: str = Field("dlt_project", description="The folder of sources and of `.dlt`.")
    params: Written = Field(description="The params of `task_type: dlt`; templates stay.")
    asset: Written = Field(
        default_factory=dict, description="Any other key of an asset: `partition`, `owners`, …"
    )

    def workflow(self) -> Workflow:
        """A workflow of the one asset."""
        own = {"asset_key": self.asset_key, "task_type": "dlt", "params": self.params}
        entry = ("assets", 0)
        places = {
            **_moved(self._part(("asset_key",), self.asset_key), ()),
            **_moved(self._part(("asset_key",), self.asset_key), (*entry, "asset_key")),
            **_moved(self._part(("asset",), self.asset), entry),
            **_moved(self._part(("params",), self.params), (*entry, "params")),
        }
        project = {
            "resource_kind": "dlt",
            "name": re.sub(r"\W", "_", f"dlt__{self.asset_key.replace('/', '__')}"),
            "params": {"project_dir": self.project_dir},
        }  # a name of its own: Dagster wants one object for each name, over all components
        return inline_workflow(
            self._root,
            Document({"resources": [project]}, Origin(places)),
            Document({"assets": [{**self.asset, **own}]}, Origin(places)),
        )

    def _state_key(self) -> str:
        return f"DltLoad[{self.asset_key}]"


def _under(name: str, part: Document) -> Document:
    places = {**_moved(part, ()), **_moved(part, (name,))}
    return Document({name: part.value}, Origin(places))


def _moved(part: Document, path: KeyPath) -> dict[KeyPath, Position]:
    """The places of `part`, which now stands at `path`."""
    return {(*path, *inner): at for inner, at in part.origin.positions.items()}


def _discovered(state_path: Path | None) -> Mapping[str, Schema]:
    if state_path is None:
        return {}
    stored = json.loads(state_path.read_text(encoding="utf-8"))
    return {key: load_json(json.dumps(schema), at=state_path) for key, schema in stored.items()}
