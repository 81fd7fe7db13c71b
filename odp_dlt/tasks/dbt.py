"""`task_type: dbt`: models of a dbt project, built by the program `dbt`."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import orjson
from pydantic import Field

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.resources.dbt import BUILT, dagster_meta, key_of
from odp_dlt.resources.dbt import Dbt as DbtProject
from odp_dlt.tasks.base import ColumnInfo, Context, Done, Planned, Site, Task
from odp_dlt.tasks.dbt_selection import select
from odp_dlt.tasks.params import ParamError, holds_template
from odp_dlt.tasks.program import Program

Node = Mapping[str, Any]


class Dbt(Task):
    """Each model that `selection` means is an asset; so are seeds and snapshots.

    A model depends on the models that it refers to, and on the assets that make the tables of its
    sources. `dbt_vars` are dbt's variables.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"dbt"})

    selection: str
    exclude: str | None = None
    dbt_vars: dict[str, Any] = Field(default_factory=dict)

    def assets(self, asset_key: str, site: Site) -> list[Planned]:
        """The selected models, as the manifest has them; dbt is not asked."""
        project = _project(site)
        return [_planned(project, node) for node in self._models(project).values()]

    def run(self, context: Context) -> Iterator[Done]:
        """`dbt build` of the models that the run is for, tests included; a Done for each, at once.

        SourceError with what dbt says if a model or a test fails; what was built until then stays.
        """
        project = _project(context.site)
        wanted = {
            name: node
            for name, node in self._models(project).items()
            if context.selected is None or key_of(node) in context.selected
        }
        if not wanted:
            return
        with tempfile.TemporaryDirectory(prefix="odp-dbt-") as folder:
            program = self._program(project, wanted, Path(folder))
            yield from _Build(wanted, context).results(program)

    def _models(self, project: DbtProject) -> dict[str, Node]:
        """The selected models by their unique ids."""
        chosen = self._ids(project, "selection") - self._ids(project, "exclude")
        found = {name: node for name, node in project.models.items() if name in chosen}
        if not found:
            raise ParamError(
                f"no model of the dbt project is selected by '{self.selection}'",
                ("selection",),
                hint="A manifest that is older than the models does not know them: dbt parse.",
            )
        return found

    def _ids(self, project: DbtProject, param: str) -> set[str]:
        text = getattr(self, param) or ""
        if holds_template(text):
            raise ParamError(f"'{param}' cannot be a template of the run", (param,))
        try:
            return select(project.manifest, text)
        except ConfigError as e:
            if e.at is None:
                raise ParamError(e.message, (param,), hint=e.hint) from e
            raise

    def _program(self, project: DbtProject, wanted: Mapping[str, Node], folder: Path) -> Program:
        """dbt with a folder of its own for what it writes, so that runs do not meet there."""
        parsed = project.project_dir / "target" / "partial_parse.msgpack"
        if parsed.is_file():
            shutil.copy(parsed, folder)
        arguments = ["--log-format", "json", "--no-use-colors", "build"]
        arguments += ["--target-path", str(folder), "--log-path", str(folder)]
        arguments += ["--vars", json.dumps(self.dbt_vars)] if self.dbt_vars else []
        names = [f"fqn:{'.'.join(node['fqn'])}" for node in wanted.values()]
        command = [*project.command(*arguments), "--select", *names]
        return Program(command, project.project_dir)


@dataclass
class _Build:
    """One `dbt build`, followed by the events that it writes to stdout."""

    wanted: Mapping[str, Node]
    context: Context
    built: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    def results(self, program: Program) -> Iterator[Done]:
        try:
            with program.started() as lines:
                for stream, line in lines:
                    event = _event(line) if stream == "stdout" else None
                    if event is None:
                        self.context.log.info("%s", program.shown(line))
                        continue
                    self._tell(event["info"], program.shown(str(event["info"].get("msg", ""))))
                    yield from self._result(event.get("data", {}))
        except SourceError:
            if not self.errors:
                raise
            said = "\n  ".join(self.errors)
            raise SourceError("dbt build failed", hint=said) from None  # it holds only raw events

    def _tell(self, info: Mapping[str, Any], said: str) -> None:
        """What an event says, to the log; what is an error is kept."""
        message = said.strip()
        if message:
            log = self.context.log
            (log.error if info.get("level") == "error" else log.info)("%s", message)
        if info.get("name") in ("RunResultError", "MainEncounteredError", "RunResultFailure"):
            self.errors += message.splitlines()

    def _result(self, data: Mapping[str, Any]) -> Iterator[Done]:
        """The model that an event says is built, if it does."""
        node = data.get("node_info") or {}
        name = str(node.get("unique_id"))
        if (
            name in self.wanted
            and name not in self.built
            and node.get("resource_type") in BUILT
            and node.get("node_status") == "success"
            and node.get("node_finished_at")
        ):
            self.built.add(name)
            seconds = round(float(data.get("execution_time", 0)), 3)
            yield _done(self.wanted[name], node, seconds)


def _event(line: str) -> Mapping[str, Any] | None:
    """A line of dbt's log as it is meant; None for one that something else has written."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("info"), dict) else None


def _done(node: Node, info: Mapping[str, Any], seconds: float) -> Done:
    place = info.get("node_relation") or node
    return Done(
        key_of(node),
        {
            "destination_table_id": f"{place['schema']}.{place['alias']}",
            "unique_id": str(node["unique_id"]),
            "materialized": str(info.get("materialized")),
            "execution_s": seconds,
        },
    )


def _planned(project: DbtProject, node: Node) -> Planned:
    manifest = project.manifest
    above = _tables_above(manifest, node["unique_id"])
    sources = [manifest["sources"][name] for name in above if name in manifest["sources"]]
    models = [manifest["nodes"][name] for name in above if name in manifest["nodes"]]
    columns = tuple(
        ColumnInfo(one["name"], one.get("data_type") or "", description=one.get("description"))
        for one in node.get("columns", {}).values()
    )
    return Planned(
        key_of(node),
        deps=tuple(key_of(model) for model in models),
        reads={f"{one['schema']}.{one['identifier']}": key_of(one) for one in sources},
        description=node.get("description") or None,
        columns=columns or None,
        table_name=f"{node['schema']}.{node['alias']}",
        kinds=frozenset({"dbt", str(manifest["metadata"].get("adapter_type", "sql"))}),
        group=dagster_meta(node).get("group") or node["config"].get("group"),
        file=_file(project, node),
    )


def _tables_above(manifest: Mapping[str, Any], name: str) -> list[str]:
    """The tables that a model reads; through an ephemeral model, those that this one reads."""
    found: list[str] = []
    for parent in manifest["parent_map"].get(name, []):
        node = manifest["nodes"].get(parent)
        if node is None or node["resource_type"] not in BUILT:
            found += [parent] if parent in manifest["sources"] else []
        elif node["config"].get("materialized") == "ephemeral":
            found += _tables_above(manifest, parent)
        else:
            found.append(parent)
    return list(dict.fromkeys(found))


def _file(project: DbtProject, node: Node) -> Path | None:
    name = node["original_file_path"]
    packages = project.project_dir / "dbt_packages" / node["package_name"]
    files = (packages / name, project.project_dir / name)
    return next((file for file in files if file.is_file()), None)


def _project(site: Site) -> DbtProject:
    project = site.resource("dbt")
    assert isinstance(project, DbtProject)
    return project
