"""What was loaded, read through the pipeline."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from odp_dlt import dlt
from odp_dlt.destinations.duckdb import Duckdb
from odp_dlt.destinations.filesystem import Filesystem
from odp_dlt.destinations.sqlite import Sqlite
from odp_dlt.errors import ConfigError, DestinationError
from odp_dlt.pipeline.pipeline import Pipeline
from odp_dlt.settings import Settings

ORDERS = [{"id": n, "day": f"2024-01-0{n}", "lines": [{"sku": "x"}] * n} for n in (1, 2, 3)]


@dlt.source
def shop(rows: Any = ORDERS) -> Any:
    return dlt.resource(rows, name="orders")


def new_pipeline(kind: str, folder: Path) -> Pipeline:
    destination = {
        "duckdb": Duckdb(database=folder / "data.duckdb"),  # a catalog named like the dataset
        "sqlite": Sqlite(database=folder / "shop.sqlite"),
        "filesystem": Filesystem(bucket_url=str(folder / "lake")),
    }[kind]
    settings = Settings.from_folder(folder, {})
    return Pipeline("shop", destination, "data", settings, work_dir=folder / "work")


@pytest.fixture(params=["duckdb", "sqlite", "filesystem"])
def loaded(request: pytest.FixtureRequest, tmp_path: Path) -> Pipeline:
    pipeline = new_pipeline(request.param, tmp_path)
    pipeline.run(shop())
    return pipeline


@pytest.fixture
def local(tmp_path: Path) -> Pipeline:
    pipeline = new_pipeline("duckdb", tmp_path)
    pipeline.run(shop())
    return pipeline


def test_tables_are_those_of_the_schema_that_exist(loaded: Pipeline) -> None:
    assert loaded.dataset().tables == [
        "orders",
        "orders__lines",
        "_dlt_version",
        "_dlt_loads",
        "_dlt_pipeline_state",
    ]
    assert list(loaded.dataset().schema.tables)[-1] == "_dlt_pipeline_state"


def test_a_table_is_found_by_its_name_in_every_spelling(loaded: Pipeline) -> None:
    dataset = loaded.dataset()
    for relation in (dataset["orders"], dataset.orders, dataset.table("orders")):
        assert relation.order_by("id").select("id").fetchall() == [(1,), (2,), (3,)]


def test_a_relation_is_narrowed_down_step_by_step(loaded: Pipeline) -> None:
    orders = loaded.dataset()["orders"].select("id")
    assert orders.order_by("id", "desc").limit(2).fetchall() == [(3,), (2,)]
    assert orders.order_by("id").limit(2).where("id", "gt", 1).fetchall() == [(2,)]
    assert orders.where("id", "in", [1, 3]).order_by("id").fetchall() == [(1,), (3,)]
    assert orders.where("id > 1 AND id < 3").fetchscalar() == 2
    assert orders.max().fetchscalar() == 3
    assert orders.head(1).select("id").columns == ["id"]
    assert loaded.dataset().orders["id"].min().fetchone() == (1,)


def test_rows_are_read_as_arrow_and_in_parts(loaded: Pipeline) -> None:
    orders = loaded.dataset().orders.select("id").order_by("id")
    assert orders.arrow().column("id").to_pylist() == [1, 2, 3]
    assert [part.num_rows for part in orders.iter_arrow(2)] == [2, 1]
    assert list(orders.iter_fetch(2)) == [[(1,), (2,)], [(3,)]]
    assert pa.table(orders).num_rows == 3


def test_rows_are_read_as_pandas_and_as_a_relation_of_duckdb(local: Pipeline) -> None:
    orders = local.dataset().orders.select("id").order_by("id")
    assert list(orders.df()["id"]) == [1, 2, 3]
    assert orders.duckdb().fetchall() == [(1,), (2,), (3,)]


def test_sql_names_the_tables_of_the_dataset_by_their_bare_names(loaded: Pipeline) -> None:
    found = loaded.dataset()(
        "SELECT o.id, count(*) AS n FROM orders AS o "
        "JOIN orders__lines AS l ON l._dlt_parent_id = o._dlt_id GROUP BY o.id"
    )
    assert found.order_by("n", "desc").limit(1).fetchall() == [(3, 3)]


def test_rows_are_counted_by_table_and_by_load(loaded: Pipeline) -> None:
    dataset = loaded.dataset()
    assert dataset.row_counts().fetchall() == [("orders", 3), ("orders__lines", 6)]
    info = loaded.run(shop([{"id": 4}]))
    assert dataset.latest_load_id() == info.load_id
    assert len(dataset.load_ids()) == len(dataset.load_ids("shop")) == 2
    assert dataset.load_ids("another") == []
    assert dataset.row_counts(load_id=info.load_id).fetchall() == [("orders", 1)]
    own: dict[str, int] = dict(dataset.row_counts(data_tables=False, dlt_tables=True).fetchall())
    assert own["_dlt_loads"] == 2


def test_an_unknown_table_is_told_with_those_that_there_are(loaded: Pipeline) -> None:
    dataset = loaded.dataset()
    with pytest.raises(KeyError) as e:
        dataset["order"]
    assert "Did you mean 'orders'?" in str(e.value)
    assert "orders__lines" in str(e.value)
    with pytest.raises(ConfigError):
        dataset.table("order")
    assert not hasattr(dataset, "order")


def test_a_dataset_that_was_never_loaded_has_no_tables(tmp_path: Path) -> None:
    dataset = new_pipeline("duckdb", tmp_path).dataset()
    with pytest.raises(ConfigError, match="has no schema"):
        _ = dataset.tables
    with pytest.raises(KeyError, match="Known: none"):
        dataset["orders"]
    assert not (tmp_path / "data.duckdb").exists()


def test_reading_writes_nothing(loaded: Pipeline) -> None:
    with pytest.raises(DestinationError):
        loaded.dataset()("DELETE FROM orders").fetchall()
    assert loaded.dataset().orders.select("id").arrow().num_rows == 3


def test_what_a_relation_does_not_offer_is_named(local: Pipeline) -> None:
    with pytest.raises(AttributeError, match=r"Relation\.join is not offered"):
        local.dataset().orders.join("x")
    with pytest.raises(AttributeError, match=r"Dataset\.ibis is not offered"):
        _ = local.dataset().ibis
    with pytest.raises(ConfigError, match="there is no operator 'like'"):
        local.dataset().orders.where("id", "like", 1)


def test_a_client_reads_and_writes(local: Pipeline) -> None:
    with local.sql_client() as client:
        assert client.dataset_name == "data"
        name = client.make_qualified_table_name("orders")
        assert client.execute_sql(f"SELECT id FROM {name} WHERE id < %s ORDER BY id", 3) == [
            (1,),
            (2,),
        ]
        assert client.execute_sql(f"DELETE FROM {name} WHERE day = %s", "2024-01-01") is None
        assert client.execute_sql("DELETE FROM orders WHERE id = 2") is None
        with client.execute_query("SELECT count(*) AS n FROM orders") as cursor:
            assert cursor.fetchone() == (1,)
        with pytest.raises(ConfigError, match="more %s than arguments"):
            client.execute_sql("SELECT %s, %s", 1)
        with pytest.raises(AttributeError, match="begin_transaction is not offered"):
            client.begin_transaction()


def test_the_pipeline_tells_what_its_dataset_remembers(tmp_path: Path) -> None:
    pipeline = new_pipeline("duckdb", tmp_path)
    assert pipeline.first_run
    assert pipeline.default_schema_name is None
    assert pipeline.schema_names == []
    pipeline.run(shop())
    again = new_pipeline("duckdb", tmp_path)
    assert not again.first_run
    assert again.default_schema_name == "shop"
    assert list(again.schemas) == ["shop"]
    assert "orders" in again.default_schema.tables
    assert again.state["pipeline_name"] == "shop"
    assert again.working_dir == str(tmp_path / "work")


def test_nothing_is_ever_pending(local: Pipeline) -> None:
    assert not local.has_pending_data
    assert local.list_extracted_load_packages() == []
    assert local.list_normalized_load_packages() == []
    assert local.list_extracted_resources() == []
    assert local.list_completed_load_packages() == local.dataset().load_ids()
    local.drop_pending_packages()
    local.abort_packages()
    local.sync_destination()
    with pytest.raises(ConfigError, match="there is no package '1'"):
        local.abort_packages("1")
    fresh = local.drop()
    assert fresh == local
    assert fresh.last_trace is None
    assert fresh.dataset().row_counts().fetchall() == [("orders", 3), ("orders__lines", 6)]
