"""Small projects on disk, and the real `odp` to run on them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from odp_dlt.cli.init import TEMPLATE

Program = Callable[..., "subprocess.CompletedProcess[str]"]

DUCKDB = """
resources:
  - resource_kind: duckdb
    params: {database: data/shop.db}
"""
SQL = """
assets:
  - asset_key: marts/days
    task_type: duckdb_query
    params:
      query: CREATE OR REPLACE TABLE days AS SELECT '{{context.partition_key}}' AS day
  - asset_key: marts/weeks
    task_type: duckdb_query
    depends_on: [marts/days]
    params:
      query: CREATE OR REPLACE TABLE weeks AS SELECT * FROM {{marts_days.destination_table_id}}
  - asset_key: other/months
    task_type: duckdb_query
    params: {query: "CREATE OR REPLACE TABLE months AS SELECT '{{context.partition_key}}' AS m"}
partitions:
  - assets: [marts/days]
    params: {schedule_type: DAILY, start: "2026-01-01", end: "2026-02-01"}
  - assets: [other/months]
    params: {schedule_type: MONTHLY, start: "2026-01-01", end: "2026-04-01"}
"""


@pytest.fixture
def own_environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment without what would lead out of the project, and with this package."""
    for name in ("DAGSTER_HOME", "ODP_CONFIG_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return dict(os.environ)


@pytest.fixture
def python(own_environment: dict[str, str]) -> Program:
    """`python(cwd, *arguments, **environment)`: Python as its own process in a folder."""

    def call(cwd: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd,
            env={**own_environment, **more},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return call


@pytest.fixture
def program(python: Program) -> Program:
    """`program(cwd, *arguments, **environment)`: `odp` as its own process in a folder."""

    def call(cwd: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return python(cwd, "-m", "odp_dlt.cli.main", *arguments, **more)

    return call


@pytest.fixture
def edit() -> Callable[[Path, str, str], None]:
    """`edit(file, old, new)`: replaces text that has to be there."""

    def call(file: Path, old: str, new: str) -> None:
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    return call


@pytest.fixture
def sql_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_environment: dict[str, str]
) -> Path:
    """The working directory: a project of SQL alone, with partitions and without."""
    config = tmp_path / "odp_config"
    (config / "workflows").mkdir(parents=True)
    (config / "dagster_config.yaml").write_text(DUCKDB)
    (config / "workflows" / "main.yaml").write_text(SQL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_environment: dict[str, str]) -> Path:
    """The working directory: the project that `odp init` makes."""
    shutil.copytree(TEMPLATE, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path
