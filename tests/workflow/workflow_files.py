"""Writes workflow files for a test, and gives the workflow or the error that they make."""

from pathlib import Path
from textwrap import dedent

import pytest

from odp_dlt.errors import ConfigError
from odp_dlt.workflow.load import load_workflow
from odp_dlt.workflow.models import Workflow

ASSET_KEYS = (
    "asset_key, automation, backfill_policy, checks, code_version, depends_on, deps, "
    "deps_mapping, description, freshness, group_name, kinds, metadata, op_tags, owners, params, "
    "partition, pool, resources, retry_policy, selection_mode, tables, tags, task_type, timeout"
)
ASSET = "assets: [{asset_key: a, task_type: t}]"


def load(tmp_path: Path, **files: str) -> Workflow:
    """The workflow of a project with these files; `a__yaml` is workflows/a.yaml."""
    folder = tmp_path / "odp_config"
    for name, text in files.items():
        stem, suffix = name.rsplit("__", 1)
        home = folder if stem == "dagster_config" else folder / "workflows"
        home.mkdir(parents=True, exist_ok=True)
        (home / f"{stem}.{suffix}").write_text(dedent(text), encoding="utf-8")
    return load_workflow(folder)


def error(tmp_path: Path, **files: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, **files)
    return str(raised.value).replace("odp_config/workflows/", "")


def in_assets(tmp_path: Path, more: str) -> str:
    """The error of a good asset that has `more` beside it on its own lines."""
    text = "assets:\n  - asset_key: a\n    task_type: t\n" + more
    return error(tmp_path, w__yaml=text)
