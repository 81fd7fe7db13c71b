"""Checks of the tables that other task types make."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from odp_dlt.errors import ConfigError
from tests.definitions.shop_project import shop
from tests.definitions.test_definitions_checks import run


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


FILE = """
assets:
  - asset_key: raw/lines
    task_type: file_to_duckdb
    params: {source_file_uri: lines.csv, destination_table_id: raw.lines}
"""
QUERY = """
assets:
  - asset_key: raw/lines
    task_type: sql_query
    params:
      destination: sqlite
      destination_params: {database: data/shop.sqlite}
      destination_table_id: raw.lines
      query: SELECT 1 AS id UNION ALL SELECT 1
"""


@pytest.mark.parametrize("workflow", [FILE, QUERY], ids=["file_to_duckdb", "sql_query"])
def test_the_tables_of_other_tasks_are_judged_with_and_without_a_run(
    tmp_path: Path, instance: dg.DagsterInstance, workflow: str
) -> None:
    checks = """
    checks: [{type: unique, columns: [id]}, {type: row_bounds, min_total: 2}]
"""
    project = shop(tmp_path, workflow + checks)
    project.write("lines.csv", "id\n1\n1\n")
    early = run(project, instance, dg.AssetSelection.all_asset_checks())
    assert (
        "no run of 'raw/lines' has told of a table" in early.checks["raw/lines unique"].description
    )
    for selection in (dg.AssetSelection.all(), dg.AssetSelection.all_asset_checks()):
        found = run(project, instance, selection)
        assert found.success, found.errors
        assert found.failed == {"raw/lines unique"}


def test_a_task_without_a_table_has_no_check_that_looks_at_one(tmp_path: Path) -> None:
    shell = """
assets:
  - asset_key: raw/lines
    task_type: shell_command
    params: {command: "true"}
    checks: [{type: unique, columns: [id]}]
"""
    with pytest.raises(ConfigError, match="no check can look at what 'shell_command' makes"):
        shop(tmp_path, shell).build()
