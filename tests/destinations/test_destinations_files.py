"""What a load into files does, in a local folder and in a bucket of a real S3 server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as pads
import pytest
from pyarrow import fs

from odp_dlt.errors import ConfigError, DestinationBusy, DestinationError, SourceError, StateMoved
from odp_dlt.schema.model import Column, Table
from tests.destinations.file_places import S3, SECRET, FilePlace, s3_server

ORDERS = [
    {"id": 1, "items": [{"sku": "a"}, {"sku": "b"}]},
    {"id": 2, "items": [{"sku": "c"}]},
]


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture(params=["local", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> FilePlace:
    if request.param == "local":
        return FilePlace(tmp_path, {"bucket_url": str(tmp_path / "lake")})
    server: S3 = request.getfixturevalue("s3")
    return FilePlace(tmp_path, server.params())


def broken_rows() -> Iterator[Any]:
    yield [{"id": 3}]
    raise RuntimeError("the API is down")


def reader(*ids: int | None) -> pa.RecordBatchReader:
    return pa.table({"id": pa.array(ids, pa.int64())}).to_reader()


def table(disposition: Any = "append", **columns: Any) -> Table:
    made = {name: Column(name, kind) for name, kind in (columns or {"id": "bigint"}).items()}
    return Table("orders", made, resource="orders", write_disposition=disposition)


def test_tables_and_nested_tables_are_files_beside_dlts_own(lake: FilePlace) -> None:
    info = lake.load(ORDERS, table_name="orders")
    assert info.row_counts["orders"] == 2
    assert info.row_counts["orders__items"] == 3
    assert lake.rows("orders", "id") == [(1,), (2,)]
    assert lake.rows("orders__items", "sku", "_dlt_list_idx") == [("a", 0), ("b", 1), ("c", 0)]
    folders = {path.partition("/")[0] for path in lake.files()}
    dlts = {"init", "_dlt_loads", "_dlt_version", "_dlt_pipeline_state"}
    assert folders == {"orders", "orders__items", "_odp", *dlts}
    load_id = info.load_id
    assert all(path.split("/")[1].startswith(f"{load_id}.") for path in lake.data_files())
    assert lake.files("_dlt_loads") == [f"_dlt_loads/shop__{load_id}.jsonl"]


def test_append_adds_files_and_counts_all_rows(lake: FilePlace) -> None:
    lake.load(ORDERS, table_name="orders")
    info = lake.load([{"id": 3}], table_name="orders")
    assert lake.rows("orders", "id") == [(1,), (2,), (3,)]
    assert info.tables["orders"].rows == 1
    assert info.tables["orders"].total == 3


def test_a_new_column_is_null_in_the_files_before_it(lake: FilePlace) -> None:
    lake.load([{"id": 1}], table_name="orders")
    lake.load([{"id": 2, "paid": True}], table_name="orders")
    assert lake.rows("orders", "id", "paid") == [(1, None), (2, True)]
    found = lake.destination().tables("data")["orders"].dataset()
    assert found.to_table(columns=["paid"]).column("paid").to_pylist() == [None, True]


def test_replace_lists_only_the_new_files_of_the_whole_family(lake: FilePlace) -> None:
    lake.load(ORDERS, table_name="orders")
    lake.load([{"id": 9}], table_name="orders", write_disposition="replace")
    assert lake.rows("orders", "id") == [(9,)]
    assert lake.rows("orders__items", "sku") == []


def test_a_reader_of_the_manifest_before_a_replace_still_finds_its_files(lake: FilePlace) -> None:
    lake.load(ORDERS, table_name="orders")
    before = lake.destination().tables("data")
    patient = lake.pipeline(remove_replaced="next_load")
    patient.run([{"id": 9}], table_name="orders", write_disposition="replace")
    assert before["orders"].read().column("id").to_pylist() == [1, 2]


def test_the_load_after_a_replace_deletes_the_replaced_files(lake: FilePlace) -> None:
    lake.load(ORDERS, table_name="orders")
    old = set(lake.data_files())
    patient = lake.pipeline(remove_replaced="next_load")
    patient.run([{"id": 9}], table_name="orders", write_disposition="replace")
    assert old < set(lake.data_files())
    patient.run([{"id": 10}], table_name="orders")
    assert old.isdisjoint(lake.data_files())
    assert lake.rows("orders", "id") == [(9,), (10,)]


def test_replaced_files_are_gone_when_the_load_ends(lake: FilePlace) -> None:
    lake.load(ORDERS, table_name="orders")
    lake.load([{"id": 9}], table_name="orders", write_disposition="replace")
    assert len(lake.data_files()) == 1


def test_merge_is_refused_before_anything_is_fetched(lake: FilePlace) -> None:
    with pytest.raises(ConfigError, match="filesystem cannot merge"):
        lake.load(broken_rows(), table_name="orders", write_disposition="merge", primary_key="id")
    assert lake.files() == []


def test_a_failed_extraction_leaves_nothing(lake: FilePlace) -> None:
    with pytest.raises(SourceError):
        lake.load(broken_rows(), table_name="orders")
    assert lake.files() == []


def test_an_error_in_a_session_leaves_what_was_there(lake: FilePlace) -> None:
    lake.load(ORDERS, table_name="orders")
    before = lake.files()
    with pytest.raises(ZeroDivisionError), lake.destination().open("data") as session:
        session.load([table("replace")], {"orders": reader(7)})
        raise ZeroDivisionError
    assert [path for path in lake.files() if path != "_odp/lock"] == [
        path for path in before if path != "_odp/lock"
    ]
    assert lake.rows("orders", "id") == [(1,), (2,)]


def test_nobody_sees_a_load_before_its_manifest(lake: FilePlace) -> None:
    lake.load(ORDERS, table_name="orders")
    with lake.destination().open("data") as session:
        session.load([table()], {"orders": reader(7)})
        assert session.count("orders") == 3
        assert lake.rows("orders", "id") == [(1,), (2,)]
    assert lake.rows("orders", "id") == [(1,), (2,), (7,)]


def test_a_load_that_another_one_overtook_commits_nothing(lake: FilePlace) -> None:
    lake.load(ORDERS, table_name="orders")
    session_of_the_slow = lake.destination(lease_s=0.2).open("data")
    slow = session_of_the_slow.__enter__()
    slow.load([table()], {"orders": reader(7)})
    store = lake.destination()._dataset("data")
    newest = max(lake.files("_odp/manifests"))
    content = store.read(newest)
    assert content is not None
    overtaken = f"_odp/manifests/{int(newest[-25:-5]) + 1:020d}.json"
    store.write(overtaken, content)
    with pytest.raises(StateMoved):
        session_of_the_slow.__exit__(None, None, None)
    store.delete(overtaken)
    assert lake.rows("orders", "id") == [(1,), (2,)]
    assert len(lake.data_files()) == 2


def test_a_second_load_waits_no_longer_than_it_may(lake: FilePlace) -> None:
    with (
        lake.destination().open("data"),
        pytest.raises(DestinationBusy, match="another load"),
        lake.destination(wait_s=0.2).open("data"),
    ):
        pass


def test_a_row_without_a_required_value_is_refused(lake: FilePlace) -> None:
    required = Table("orders", {"id": Column("id", "bigint", nullable=False)}, resource="orders")
    with (
        pytest.raises(DestinationError, match="may not be null"),
        lake.destination().open("data") as session,
    ):
        session.evolve(required)
        session.load([required], {"orders": reader(1, None)})
    assert lake.data_files() == []


def test_a_large_table_is_many_files(lake: FilePlace) -> None:
    pipeline = lake.pipeline(format="jsonl", compression="none", file_size_mb=0.001)
    pages = ([{"id": page * 100 + i, "text": "x" * 20} for i in range(100)] for page in range(30))
    pipeline.run(pages, table_name="orders")
    assert lake.rows("orders", "id") == [(n,) for n in range(3000)]


def test_state_goes_into_dlts_folder_and_back(lake: FilePlace) -> None:
    from odp_dlt import dlt

    seen: list[Any] = []

    @dlt.resource(name="orders")
    def orders(at: Any = dlt.sources.incremental("u", initial_value=0)) -> Iterator[Any]:
        seen.append(at.last_value)
        yield [{"id": len(seen), "u": len(seen) * 10}]

    lake.load(orders())
    lake.load(orders())
    assert seen == [0, 10]
    assert len(lake.files("_dlt_pipeline_state")) == 2
    assert lake.rows("orders", "u") == [(10,), (20,)]


def test_the_address_of_a_table_is_its_folder(lake: FilePlace) -> None:
    info = lake.load(ORDERS, table_name="orders")
    address = info.tables["orders"].address
    assert address.startswith(("/", "s3://"))
    assert address.endswith("/lake/data/orders")
    uris = lake.destination().tables("data")["orders"].uris
    assert [uri.rpartition("/")[0] for uri in uris] == [address]


@pytest.mark.parametrize("folder", ["a lake", "søen", "50%", "a%20b", "100 % über"])
def test_the_address_is_read_by_duckdb_and_pyarrow_alike(tmp_path: Path, folder: str) -> None:
    lake = FilePlace(tmp_path, {"bucket_url": str(tmp_path / folder)})
    address = lake.load(ORDERS, table_name="orders").tables["orders"].address
    uris = lake.destination().tables("data")["orders"].uris
    assert pads.dataset(address).to_table()["id"].to_pylist() == [1, 2]
    assert pads.dataset(uris).to_table()["id"].to_pylist() == [1, 2]
    system, path = fs.FileSystem.from_uri(address)
    assert pads.dataset(path, filesystem=system).count_rows() == 2
    for files in ([f"{address}/*.parquet"], uris):
        found = duckdb.execute("SELECT id FROM read_parquet(?) ORDER BY id", [files])
        assert found.fetchall() == [(1,), (2,)]


def test_a_missing_bucket_says_what_to_do(s3: S3, tmp_path: Path) -> None:
    params = {"bucket_url": "s3://no-such-bucket/lake", "credentials": dict(s3.credentials)}
    with pytest.raises(DestinationError, match="Make the bucket first") as caught:
        FilePlace(tmp_path, params).load(ORDERS, table_name="orders")
    assert SECRET not in str(caught.value)


def test_a_dead_load_holds_a_bucket_only_for_its_lease(s3: S3, tmp_path: Path) -> None:
    lake = FilePlace(tmp_path, {**s3.params(), "lease_s": 0.5})
    lake.destination()._dataset("data").write("_odp/lock", b"a dead one")
    lake.load(ORDERS, table_name="orders")
    assert lake.rows("orders", "id") == [(1,), (2,)]
    assert "_odp/lock" not in lake.files()


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_a_select_joins_tables_and_reaches_nothing_else(tmp_path: Path, kind: str) -> None:
    lake = FilePlace(tmp_path, {"bucket_url": str(tmp_path / "lake"), "format": kind})
    lake.load(ORDERS, table_name="orders")
    sql = (
        "SELECT o.id, count(*) AS items FROM orders o "
        "JOIN orders__items i ON i._dlt_parent_id = o._dlt_id GROUP BY ALL ORDER BY ALL"
    )
    with lake.destination().open("data", write=False) as session:
        assert session.select(sql).to_pylist() == [{"id": 1, "items": 2}, {"id": 2, "items": 1}]
        assert session.select("SELECT status FROM _dlt_loads").to_pylist() == [{"status": 0}]
        with pytest.raises(DestinationError, match="DuckDB refused"):
            session.select(f"SELECT * FROM read_text('{tmp_path}/*')")


def test_rows_and_tables_can_be_taken_away(lake: FilePlace) -> None:
    lake.load(ORDERS, table_name="orders")
    with lake.destination().open("data") as session:
        session.remove("orders", {"id": "1"})
        session.drop("orders__items")
        session.remove("_dlt_version", {"schema_name": "other"})
        session.remove("_dlt_loads", {"schema_name": "shop"})
        session.remove("nothing_there")
        assert session.count("orders") == 1
    assert lake.rows("orders", "id") == [(2,)]
    assert "orders__items" not in lake.destination().tables("data")
    with lake.destination().open("data", write=False) as session:
        assert session.columns("orders__items") == {}
        assert session.read("_dlt_loads").num_rows == 0
        assert session.read("_dlt_version").num_rows == 1
