"""Models of dbt as assets beside those of the YAML, with the real dbt."""

from pathlib import Path

import dagster as dg
import pytest

from tests.definitions.shop_project import CONFIG, ORDERS, Project, shop
from tests.tasks.dbt_project import dbt_project, needs_dbt

pytestmark = needs_dbt

RESOURCE = "  - {resource_kind: dbt, params: {project_dir: dbt_project}}\n"
DAILY = """
  - asset_key: daily_models
    task_type: dbt
    params: {selection: "tag:daily", dbt_vars: {day: "{{context.run_id}}"}}
  - asset_key: mart/after
    task_type: duckdb_query
    depends_on: [marts/counts]
    params:
      query: SELECT n FROM {{marts_counts.destination_table_id}}
      destination_table_id: after.counts
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    made = shop(tmp_path, ORDERS + DAILY)
    made.write("odp_config/dagster_config.yaml", CONFIG + RESOURCE)
    dbt_project(tmp_path / "dbt_project")
    return made


def test_models_depend_on_the_assets_that_make_their_sources(project: Project) -> None:
    defs = project.build()
    graph = defs.resolve_asset_graph()

    def above(key: str) -> set[str]:
        found = graph.get(dg.AssetKey(key.split("/"))).parent_keys
        return {parent.to_user_string() for parent in found}

    assert above("lines") == {"shop/api/orders__lines"}  # a nested table, by its name alone
    assert above("marts/counts") == {"lines"}
    assert above("marts/last") == {"marts/counts", "raw/outside"}
    ops = {key: defs.resolve_assets_def(dg.AssetKey(key.split("/"))).op.name for key in ("lines",)}
    assert ops == {"lines": "daily_models"}
    left = defs.resolve_assets_def(dg.AssetKey(["own", "key"]))
    assert left.op.name == "unselected_dbt_models"
    assert left.specs_by_key[dg.AssetKey(["own", "key"])].group_name == "g"


def test_a_load_its_models_and_a_query_of_them_run_one_after_the_other(project: Project) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        project.run(["shop/api/orders", "shop/api/orders__lines"], instance)
        models = project.run(["marts/counts", "lines"], instance)
        after = project.run(["mart/after"], instance)
    assert (models.failure, after.failure) == (None, None), models.error + after.error
    assert models.made["marts/counts"]["destination_table_id"] == "main_marts.counts"
    assert after.made["mart/after"]["row_count"] == 1
