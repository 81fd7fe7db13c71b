"""What a run can be launched with, and what is seen of it while it runs."""

import time
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from odp_dlt.definitions.run import run_assets
from odp_dlt.errors import ConfigError
from tests.definitions.shop_project import LINES, ORDERS, Project, shop

ROOT = dg.AssetKey(["shop", "api", "orders"])
OP = "shop__api__orders"

GROWING = """
import dlt


@dlt.source
def shop(size: int = 1, note=None, token: str = dlt.secrets.value):
    @dlt.resource(name="orders")
    def orders(cursor=dlt.sources.incremental("id")):
        yield [{"id": n, "lines": [{"sku": note or "a"}]} for n in range(size)]

    return orders
"""


def growing(root: Path) -> Project:
    project = shop(root, ORDERS)
    project.write("dlt_project/shop/source.py", GROWING)
    project.write("dlt_project/.dlt/secrets.toml", 'token = "t-0ken"\n')
    return project


def launch(project: Project, instance: dg.DagsterInstance, **config: Any) -> None:
    job = project.build().resolve_implicit_global_asset_job_def()
    ops = {"ops": {OP: {"config": config}}} if config else None
    result = job.execute_in_process(instance=instance, asset_selection=[ROOT], run_config=ops)
    assert result.success


def rows(project: Project, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(project.root / "data/shop.db", read_only=True) as con:
        return con.execute(query).fetchall()


def test_the_launchpad_offers_refresh_limit_and_the_sources_own_parameters(tmp_path: Path) -> None:
    op: Any = growing(tmp_path).build().resolve_assets_def(ROOT).op
    fields: Any = op.config_schema.config_type.fields
    assert set(fields) == {"refresh", "limit", "source_params"}
    source: Any = fields["source_params"].config_type.fields
    assert set(source) == {"size", "note"}, "a secret is nothing to write into a run's config"
    assert source["size"].config_type.given_name == "Int"
    assert source["size"].description == "Of the source: `size: int = 1`."
    assert not any(field.is_required for field in (*fields.values(), *source.values()))


def test_what_a_run_is_launched_with_counts_for_that_run_alone(tmp_path: Path) -> None:
    project = growing(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        launch(project, instance, source_params={"size": 3, "note": "b"})
        assert rows(project, "SELECT DISTINCT sku FROM shop_data.orders__lines") == [("b",)]
        assert rows(project, "SELECT count(*) FROM shop_data.orders") == [(3,)]
        launch(project, instance)  # of the two rows that the YAML asks for none is new
        assert rows(project, "SELECT count(*) FROM shop_data.orders") == [(3,)]


@pytest.mark.parametrize(
    ("refresh", "ids"),
    [("none", [0, 1]), ("state", [0, 0, 1, 1]), ("data", [0, 1]), ("table", [0, 1])],
)
def test_a_refresh_forgets_what_it_says(tmp_path: Path, refresh: str, ids: list[int]) -> None:
    project = growing(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        launch(project, instance)
        launch(project, instance, refresh=refresh)
    found = rows(project, "SELECT id FROM shop_data.orders ORDER BY id")
    assert [one for (one,) in found] == ids
    loads = {"none": 1, "state": 2, "data": 1, "table": 1}
    written = "SELECT count(DISTINCT _dlt_load_id) FROM shop_data.orders"
    assert rows(project, written) == [(loads[refresh],)]


def test_a_limited_run_moves_no_cursor(tmp_path: Path) -> None:
    project = growing(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        launch(project, instance, limit=1, source_params={"size": 5})
        assert rows(project, "SELECT id FROM shop_data.orders") == [(0,)]
        launch(project, instance, refresh="data", source_params={"size": 5})
        assert rows(project, "SELECT count(*) FROM shop_data.orders") == [(5,)]


def test_odp_run_launches_with_the_same(tmp_path: Path) -> None:
    project, home = growing(tmp_path), tmp_path / "home"
    home.mkdir()
    (end,) = run_assets(project.build(), home, lambda _: None, launch={"limit": 1})
    assert [one.rows for one in end.made] == [1, 1]


def test_odp_run_refuses_what_no_selected_asset_offers(tmp_path: Path) -> None:
    project, home = shop(tmp_path, ORDERS + LINES), tmp_path / "home"
    home.mkdir()
    with pytest.raises(ConfigError) as e:
        run_assets(
            project.build(), home, lambda _: None, selection="mart/lines", launch={"limit": 1}
        )
    assert str(e.value) == (
        "no selected asset can be launched with 'limit'\n  Assets of the task type dlt can."
    )


SLOW = """
import time

import dlt


@dlt.source
def shop(size: int = 1):
    @dlt.resource(name="orders")
    def orders():
        for n in range(4):
            yield [{"id": n * 20000 + i, "lines": [{"sku": "a"}]} for i in range(20000)]
            time.sleep(2)

    return orders
"""


def test_a_long_load_tells_what_it_has_done_before_it_ends(tmp_path: Path) -> None:
    project = shop(tmp_path, ORDERS)
    project.write("dlt_project/shop/source.py", SLOW)
    with dg.DagsterInstance.ephemeral() as instance:
        began = time.time()
        job = project.build().resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(instance=instance, asset_selection=[ROOT])
        observed = instance.fetch_observations(ROOT, limit=10).records
        loaded = instance.fetch_materializations(ROOT, limit=1).records[0]
        lines = [
            entry.user_message
            for entry in instance.all_logs(result.run_id)
            if not entry.is_dagster_event
        ]
    assert observed
    first = observed[-1]
    assert began < first.timestamp < loaded.timestamp - 1
    assert first.asset_observation is not None
    told: dict[str, Any] = {
        name: one.value for name, one in first.asset_observation.metadata.items()
    }
    assert told["phase"] == "extract"
    assert 0 < told["rows_so_far"] <= 80000
    assert told["bytes_so_far"] > told["rows_so_far"]
    assert any(line.startswith("extracting: ") for line in lines)
