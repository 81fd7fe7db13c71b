"""What the workflow files say of an asset and of its tables is what Dagster knows of them."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from odp_dlt.definitions.run import run_assets
from odp_dlt.errors import ConfigError
from tests.definitions.shop_project import ORDERS, SOURCE, shop

SAID = """
      owners: [team:shop, ann@example.com]
      tags: {domain: sales}
      kinds: [http]
      metadata: {slack: "#orders"}
      deps: [crm/accounts]
      pool: shop_api
      op_tags: {priority: high}
      retry_policy: {max_retries: 3, delay: 5, backoff: exponential, jitter: full}
      tables:
        "orders__*": {tags: {pii: "no"}, group_name: details}
        orders__lines:
          description: What was bought
          owners: [team:stock]
          tags: {pii: "yes"}
          columns: {sku: {description: Stock keeping unit, tags: {stock: key}}}
"""


def with_said(root: Path, said: str = SAID) -> dg.Definitions:
    return shop(root, ORDERS + said.replace("\n      ", "\n    ")).build()


def specs(defs: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {one.key.to_user_string(): one for one in defs.resolve_all_asset_specs()}


def test_what_is_said_of_the_asset_counts_for_all_its_tables(tmp_path: Path) -> None:
    found = specs(with_said(tmp_path))
    for key in ("shop/api/orders", "shop/api/orders__lines", "shop/api/orders__lines__tags"):
        assert {"team:shop", "ann@example.com"} <= set(found[key].owners)
        assert found[key].tags["domain"] == "sales"
        assert {"http", "dlt", "duckdb"} <= found[key].kinds
        assert found[key].metadata["slack"] == "#orders"


def test_a_table_is_told_by_name_or_by_pattern_and_its_name_counts_more(tmp_path: Path) -> None:
    found = specs(with_said(tmp_path))
    root, lines = found["shop/api/orders"], found["shop/api/orders__lines"]
    tags = found["shop/api/orders__lines__tags"]
    assert "pii" not in root.tags
    assert (lines.tags["pii"], tags.tags["pii"]) == ("yes", "no")
    assert (root.group_name, lines.group_name, tags.group_name) == ("ingest", "details", "details")
    assert lines.owners == ["team:shop", "ann@example.com", "team:stock"]
    assert (root.description, lines.description) == ("Orders of the shop", "What was bought")


def test_further_parents_are_those_of_the_root_table(tmp_path: Path) -> None:
    found = specs(with_said(tmp_path))
    parents = {
        key: [dep.asset_key.to_user_string() for dep in one.deps] for key, one in found.items()
    }
    assert parents["shop/api/orders"] == ["shop/api", "crm/accounts"]
    assert parents["shop/api/orders__lines"] == ["shop/api/orders"]


def test_the_op_has_the_pool_the_tags_and_the_retry_policy(tmp_path: Path) -> None:
    op = with_said(tmp_path).resolve_assets_def(dg.AssetKey(["shop", "api", "orders"])).op
    assert (op.pool, op.tags["priority"]) == ("shop_api", "high")
    assert op.retry_policy == dg.RetryPolicy(3, 5, dg.Backoff.EXPONENTIAL, dg.Jitter.FULL)


def test_columns_carry_what_is_said_of_them(tmp_path: Path) -> None:
    lines = specs(with_said(tmp_path))["shop/api/orders__lines"]
    schema = lines.metadata["dagster/column_schema"]
    (column,) = [one for one in schema.columns if one.name == "sku"]
    assert (column.description, column.tags) == ("Stock keeping unit", {"stock": "key"})


def test_every_column_tells_where_it_comes_from(tmp_path: Path) -> None:
    project = shop(tmp_path, ORDERS)
    with dg.DagsterInstance.ephemeral() as instance:
        assert project.run(["shop/api/orders"], instance).failure is None
        assert lineage(instance, "shop/api/orders") == {
            "id": [("shop/api", "orders.id")],
        }
        assert lineage(instance, "shop/api/orders__lines") == {
            "sku": [("shop/api", "orders.lines[].sku")],
            "_dlt_parent_id": [("shop/api/orders", "_dlt_id")],
        }


def lineage(instance: dg.DagsterInstance, key: str) -> dict[str, list[tuple[str, str]]]:
    event = instance.get_latest_materialization_event(dg.AssetKey(key.split("/")))
    assert event is not None
    assert event.asset_materialization is not None
    found: Any = event.asset_materialization.metadata["dagster/column_lineage"].value
    return {
        name: [(dep.asset_key.to_user_string(), dep.column_name) for dep in deps]
        for name, deps in found.deps_by_column.items()
    }


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "owners: [shop team]",
            "shop.yaml:15:5: the asset 'shop/api/orders' is not possible in Dagster: "
            "Invalid owner 'shop team'",
        ),
        ("tables: {orders__lines: {tags: {a b: c}}}", "shop.yaml:15:30: the asset 'shop/api/"),
        (
            "tables: {orders_lines: {owners: []}}",
            "shop.yaml:15:14: the asset 'shop/api/orders' makes no table 'orders_lines'\n"
            "  Did you mean 'orders__lines'? Known: orders, orders__lines, orders__lines__tags.",
        ),
        (
            "tables: {orders__lines: {columns: {sk: {}}}}",
            "shop.yaml:15:40: the table has no column 'sk'\n  Did you mean 'sku'? Known: ",
        ),
        ("deps: [mart/lines]", "the assets depend on each other in a circle"),
        (
            "resources: [lake]",
            "shop.yaml:15:17: no resource is named 'lake'\n  Known: dlt, duckdb.",
        ),
    ],
)
def test_what_dagster_would_refuse_is_said_with_its_place(
    tmp_path: Path, said: str, message: str
) -> None:
    project = shop(tmp_path)
    text = (tmp_path / "odp_config/workflows/shop.yaml").read_text()
    head, _, tail = text.partition("  - asset_key: mart/lines")
    project.workflow(f"{head.rstrip()}\n    {said}\n  - asset_key: mart/lines{tail}")
    with pytest.raises(ConfigError) as e:
        project.build()
    assert message in str(e.value)


TWO = """
resources:
  - {resource_kind: duckdb, name: lake, params: {database: lake.db}}
  - {resource_kind: duckdb, name: mart, params: {database: mart.db}}
"""
QUERY = """
assets:
  - asset_key: t
    task_type: duckdb_query
    %s
    params: {query: "CREATE TABLE t AS SELECT '{{resource.lake.database}}' AS other"}
"""


def test_an_asset_chooses_among_several_resources_of_a_kind(tmp_path: Path) -> None:
    project = shop(tmp_path, QUERY % "resources: [mart]")
    project.write("odp_config/dagster_config.yaml", TWO)
    with dg.DagsterInstance.ephemeral() as instance:
        assert project.run(["t"], instance).error == ""
    assert ((tmp_path / "mart.db").exists(), (tmp_path / "lake.db").exists()) == (True, False)


def test_an_asset_that_does_not_choose_among_several_is_refused(tmp_path: Path) -> None:
    project = shop(tmp_path, QUERY % "description: none")
    project.write("odp_config/dagster_config.yaml", TWO)
    with pytest.raises(ConfigError) as e:
        project.build()
    assert str(e.value) == (
        "odp_config/workflows/shop.yaml:3:5: there are 2 resources of the kind 'duckdb'\n"
        "  Choose with `resources: [NAME]`, one of: lake, mart."
    )


def test_strict_selection_makes_all_tables_one_choice(tmp_path: Path) -> None:
    defs = with_said(tmp_path, "\n      selection_mode: strict\n")
    job = defs.resolve_implicit_global_asset_job_def()
    with (
        dg.DagsterInstance.ephemeral() as instance,
        pytest.raises(dg.DagsterInvalidSubsetError, match="does not support subsetting"),
    ):
        job.execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey(["shop", "api", "orders__lines"])]
        )


def test_odp_run_takes_all_tables_of_a_strict_selection(tmp_path: Path) -> None:
    defs = with_said(tmp_path, "\n      selection_mode: strict\n")
    home = tmp_path / "home"
    home.mkdir()
    (end,) = run_assets(defs, home, lambda _: None, selection="shop/api/orders__lines")
    assert [one.asset_key for one in end.made] == ["shop/api/orders", "shop/api/orders__lines"]


SLOW = SOURCE.replace("        yield", "        import time\n        time.sleep(60)\n        yield")


@pytest.mark.parametrize("in_main_thread", [True, False])
def test_a_timeout_breaks_off_the_work_and_loads_nothing(
    tmp_path: Path, in_main_thread: bool
) -> None:
    asleep = (
        SLOW
        if in_main_thread
        else SLOW.replace("sleep(60)", "sleep(0.1)", 1).replace(
            "        time.sleep", "        for _ in range(600):\n            time.sleep"
        )
    )
    project = shop(tmp_path, ORDERS + "    timeout: 1s\n")
    project.write("dlt_project/shop/source.py", asleep)
    with dg.DagsterInstance.ephemeral() as instance, ThreadPoolExecutor(1) as pool:
        work = partial(project.run, ["shop/api/orders"], instance)
        run = work() if in_main_thread else pool.submit(work).result()
    assert run.failure is not None
    assert run.failure.description == (
        "odp_config/workflows/shop.yaml:3:5: it took longer than its timeout, 0:00:01\n"
        "  Nothing of the load that was under way is kept. Allow it a longer `timeout`, or less to "
        "do at once."
    )
    assert run.failure.metadata["error"].value == "TimedOut"
    assert run.made == {}
