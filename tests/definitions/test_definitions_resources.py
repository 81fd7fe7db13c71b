from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from odp_dlt.definitions import resource
from odp_dlt.errors import ConfigError
from odp_dlt.resources.dlt import DltProject
from odp_dlt.resources.duckdb import DuckDB
from tests.definitions.shop_project import ORDERS, shop


def test_params_show_in_dagster_as_they_are_written(tmp_path: Path) -> None:
    resources = shop(tmp_path, ORDERS).build().resources
    assert resources is not None
    assert resources["dlt"].project_dir == "dlt_project"
    assert resources["duckdb"].database == "data/shop.db"
    shown = resources["duckdb"].get_resource_definition().config_schema.as_field().config_type
    assert set(shown.fields) == {"database", "wait_s"}


def test_a_hand_written_asset_gets_the_resource_itself(tmp_path: Path) -> None:
    @dg.asset
    def report(duckdb: dg.ResourceParam[DuckDB], dlt: dg.ResourceParam[DltProject]) -> int:
        assert dlt.project_dir == tmp_path / "dlt_project"
        with duckdb.connection() as con:
            con.execute("CREATE TABLE report AS SELECT 42 AS n")
            return int(con.execute("SELECT n FROM report").fetchall()[0][0])

    result = dg.materialize(
        [report],
        resources={
            "duckdb": resource("duckdb", database="shop.db", root=tmp_path),
            "dlt": resource("dlt", project_dir="dlt_project", root=tmp_path),
        },
    )
    assert result.output_for_node("report") == 42
    assert (tmp_path / "shop.db").is_file()


def test_hand_written_assets_stand_beside_the_workflows(tmp_path: Path) -> None:
    @dg.asset(deps=[dg.AssetKey(["shop", "api", "orders"])])
    def rows(duckdb: dg.ResourceParam[DuckDB]) -> int:
        with duckdb.connection(write=False) as con:
            return len(con.execute("FROM shop_data.orders").fetchall())

    defs = dg.Definitions.merge(shop(tmp_path, ORDERS).build(), dg.Definitions(assets=[rows]))
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)
    assert result.output_for_node("rows") == 2


def test_another_spelling_of_a_param_is_the_same_param(tmp_path: Path) -> None:
    assert (
        resource("duckdb", database_path="x.db", root=tmp_path).model_dump()["database"] == "x.db"
    )
    assert resource("duckdb", database=":memory:").model_dump()["database"] == ":memory:"


@pytest.mark.parametrize(
    ("kind", "params", "said"),
    [
        ("duckbd", {}, "Did you mean 'duckdb'?"),
        ("duckdb", {"databse": "x"}, "Did you mean 'database'?"),
        ("duckdb", {}, "'database' is missing"),
        ("duckdb", {"database": "x", "wait_s": -1}, "greater than 0"),
    ],
)
def test_wrong_resources_are_told(kind: str, params: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as e:
        resource(kind, **params)
    assert said in str(e.value)
