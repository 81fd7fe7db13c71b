"""`dbt`: a dbt project, which the program `dbt` runs."""

import shutil
import sys
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
from pydantic import Field

from odp_dlt.errors import ConfigError
from odp_dlt.resources.base import Brought, Resource
from odp_dlt.settings import AnchoredPath

BUILT = frozenset({"model", "seed", "snapshot"})
"""The kinds of nodes that become tables or views."""


class Dbt(Resource):
    """`project_dir` has the dbt_project.yml; dbt itself finds what is not given.

    Assets are known from the manifest, `target/manifest.json` of the project unless given. With
    `load_all_models` those that no asset selects become assets too.
    """

    project_dir: AnchoredPath
    profiles_dir: AnchoredPath | None = None
    profile: str | None = None
    target: str | None = None
    manifest_path: AnchoredPath | None = None
    load_all_models: bool = True
    dbt_executable: str = "dbt"
    global_config_flags: list[str] = Field(default_factory=list)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What dbt knows of the project, as it was parsed last. ConfigError if it never was."""
        file = self.manifest_path or self.project_dir / "target" / "manifest.json"
        try:
            found: dict[str, Any] = orjson.loads(file.read_bytes())
        except OSError as e:
            raise ConfigError(
                f"dbt's manifest cannot be read: {e.strerror}",
                at=file,
                hint=f"Write it: dbt parse --project-dir {self.project_dir}",
            ) from e
        except orjson.JSONDecodeError as e:
            raise ConfigError(f"this is no manifest of dbt: {e}", at=file) from e
        if "nodes" not in found or "parent_map" not in found:
            raise ConfigError("this is no manifest of dbt", at=file)
        return found

    @property
    def models(self) -> dict[str, Mapping[str, Any]]:
        """What becomes a table or a view, by dbt's unique id."""
        return {
            name: node
            for name, node in sorted(self.manifest["nodes"].items())
            if node["resource_type"] in BUILT
            and node["config"].get("materialized") != "ephemeral"
            and node["config"].get("enabled", True)
        }

    def command(self, *arguments: str) -> list[str]:
        """The program with its options before and after the command. ConfigError without one."""
        beside = Path(sys.executable).with_name(self.dbt_executable)
        program = shutil.which(self.dbt_executable) or (str(beside) if beside.is_file() else None)
        if program is None:
            raise ConfigError(
                f"the program '{self.dbt_executable}' is not installed",
                hint="pip install 'odp-dlt[dbt]' and dbt's adapter for your database, such as "
                "dbt-duckdb.",
            )
        options = {
            "--project-dir": str(self.project_dir),
            "--profiles-dir": self.profiles_dir and str(self.profiles_dir),
            "--profile": self.profile,
            "--target": self.target,
        }
        given = [text for name, value in options.items() if value for text in (name, value)]
        return [program, *self.global_config_flags, *arguments, *given]

    def brings(self, made: Collection[str]) -> list[Brought]:
        """The models that no asset selects, as one workflow asset."""
        if not self.load_all_models:
            return []
        left = [name for name, node in self.models.items() if key_of(node) not in made]
        selection = " ".join(f"unique_id:{name}" for name in left)
        return [Brought("unselected_dbt_models", "dbt", {"selection": selection})] if left else []


def key_of(node: Mapping[str, Any]) -> str:
    """The asset key of a node or a source: as its `meta` says, else by its schema and name."""
    given = dagster_meta(node).get("asset_key")
    if given:
        return "/".join(map(str, given)) if isinstance(given, list) else str(given)
    if node["resource_type"] == "source":
        return f"{node['source_name']}/{node['name']}"
    if node.get("version"):
        return str(node["alias"])
    schema = node["config"].get("schema")
    return f"{schema}/{node['name']}" if schema else str(node["name"])


def dagster_meta(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a node's `meta` says for Dagster."""
    meta = {**node.get("config", {}).get("meta", {}), **node.get("meta", {})}
    found = meta.get("dagster")
    return found if isinstance(found, Mapping) else {}
