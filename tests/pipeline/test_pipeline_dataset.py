"""What was loaded, read through the pipeline."""

from typing import Any

import pyarrow as pa
import pytest

from odp_dlt import dlt
from odp_dlt.errors import ConfigError, DestinationError
from odp_dlt.pipeline.pipeline import Pipeline
from tests.destinations.places import Place

ORDERS = [{"id": n, "day": f"2024-01-0{n}", "lines": [{"sku": "x"}] * n} for n in (1, 2, 3)]


@dlt.source
def shop(rows: Any = ORDERS) -> Any:
    return dlt.resource(rows, name="orders")


@pytest.fixture
def loaded(anywhere: Place) -> Pipeline:
    pipeline = anywhere.pipeline()
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


def test_rows_are_read_as_pandas_and_as_a_relation_of_duckdb(loaded: Pipeline) -> None:
    orders = loaded.dataset().orders.select("id").order_by("id")
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


def test_a_dataset_that_was_never_loaded_has_no_tables(anywhere: Place) -> None:
    dataset = anywhere.pipeline().dataset()
    with pytest.raises(ConfigError, match="has no schema"):
        _ = dataset.tables
    with pytest.raises(KeyError, match="Known: none"):
        dataset["orders"]
    assert anywhere.pipeline().first_run
    assert not [file for file in anywhere.folder.rglob("*") if file.is_file()]


def test_reading_writes_nothing(loaded: Pipeline) -> None:
    with pytest.raises(DestinationError):
        loaded.dataset()("DELETE FROM orders").fetchall()
    assert loaded.dataset().orders.select("id").arrow().num_rows == 3


def test_what_a_relation_does_not_offer_is_named(loaded: Pipeline) -> None:
    with pytest.raises(AttributeError, match=r"Relation\.join is not offered"):
        loaded.dataset().orders.join("x")
    with pytest.raises(AttributeError, match=r"Dataset\.ibis is not offered"):
        _ = loaded.dataset().ibis
    with pytest.raises(ConfigError, match="there is no operator 'like'"):
        loaded.dataset().orders.where("id", "like", 1)


def test_a_client_reads_and_writes(database: Place) -> None:
    pipeline = database.pipeline()
    pipeline.run(shop())
    with pipeline.sql_client() as client:
        assert client.dataset_name == database.dataset
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


def test_the_pipeline_tells_what_its_dataset_remembers(anywhere: Place) -> None:
    pipeline = anywhere.pipeline()
    assert pipeline.first_run
    assert pipeline.default_schema_name is None
    assert pipeline.schema_names == []
    pipeline.run(shop())
    again = anywhere.pipeline()
    assert not again.first_run
    assert again.default_schema_name == "shop"
    assert list(again.schemas) == ["shop"]
    assert "orders" in again.default_schema.tables
    assert again.state["pipeline_name"] == "shop"
    assert again.working_dir == str(anywhere.folder / "packages")


def test_nothing_is_ever_pending(loaded: Pipeline) -> None:
    assert not loaded.has_pending_data
    assert loaded.list_extracted_load_packages() == []
    assert loaded.list_normalized_load_packages() == []
    assert loaded.list_extracted_resources() == []
    assert loaded.list_completed_load_packages() == loaded.dataset().load_ids()
    loaded.drop_pending_packages()
    loaded.abort_packages()
    loaded.sync_destination()
    with pytest.raises(ConfigError, match="there is no package '1'"):
        loaded.abort_packages("1")
    fresh = loaded.drop()
    assert fresh == loaded
    assert fresh.last_trace is None
    assert fresh.dataset().row_counts().fetchall() == [("orders", 3), ("orders__lines", 6)]
