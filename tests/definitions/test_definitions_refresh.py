"""`refresh` in YAML: what was loaded before goes, in the commit of the load."""

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from odp_dlt.errors import ConfigError
from tests.definitions.shop_project import ORDERS, shop

SOURCE = """
import dlt


@dlt.source
def shop(size: int = 1):
    @dlt.resource(name="orders")
    def orders(at=dlt.sources.incremental("id")):
        yield [{"id": n, "lines": [{"sku": "a"}, {"sku": "b"}]} for n in range(size)]

    @dlt.resource(name="orders__events")
    def events():
        yield [{"kind": "sold"}]

    return orders, events
"""
EVENTS = ORDERS.partition("assets:")[2].replace("shop/api/orders", "shop/api/orders__events")


def yaml(refresh: str) -> str:
    """Two resources of one source; the first is refreshed."""
    said = f"{{write_disposition: append, refresh: {refresh}}}"
    return ORDERS.replace("{write_disposition: append}", said) + EVENTS


@pytest.mark.parametrize("mode", ["drop_sources", "drop_resources", "drop_data"])
def test_a_refresh_forgets_rows_and_cursors_before_it_loads(tmp_path: Path, mode: str) -> None:
    project = shop(tmp_path, ORDERS + EVENTS)
    project.write("dlt_project/shop/source.py", SOURCE)
    keys = ["shop/api/orders", "shop/api/orders__lines", "shop/api/orders__lines__tags"]
    with dg.DagsterInstance.ephemeral() as instance:
        project.run([*keys, "shop/api/orders__events"], instance)
        again = project.run(keys, instance).made["shop/api/orders"]
        assert (again["rows_loaded"], again["dagster/row_count"]) == (0, 2)
        refreshed = project.workflow(yaml(mode)).run(keys, instance).made
    assert refreshed["shop/api/orders"]["rows_loaded"] == 2
    assert refreshed["shop/api/orders"]["dagster/row_count"] == 2
    assert refreshed["shop/api/orders__lines"]["dagster/row_count"] == 4
    with duckdb.connect(str(tmp_path / "data/shop.db"), read_only=True) as con:
        found = con.sql("SELECT table_name FROM duckdb_tables()").fetchall()
    assert (("orders__events",) in found) is (mode != "drop_sources")


def test_an_unknown_refresh_is_refused_when_definitions_are_built(tmp_path: Path) -> None:
    project = shop(tmp_path, yaml("drop_everything"))
    with pytest.raises(ConfigError, match="'drop_resources', 'drop_data' or 'drop_state'") as e:
        project.build()
    assert "shop.yaml:" in str(e.value)
    assert "refresh" in str(e.value)
