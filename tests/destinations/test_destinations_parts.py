"""A part that is loaded again replaces what an earlier load appended of it, in every place."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from odp_dlt import dlt
from odp_dlt.destinations.filesystem import Filesystem
from odp_dlt.errors import ContractError, DestinationError
from odp_dlt.pipeline.info import LoadInfo
from tests.destinations.places import Place


def orders(*ids: int) -> list[dict[str, Any]]:
    """Orders with lines, and in each line tags."""
    return [
        {"id": n, "lines": [{"sku": f"{n}-{i}", "tags": [f"{n}-{i}-a"]} for i in range(2)]}
        for n in ids
    ]


def load(place: Place, part: str | None, rows: Any, **more: Any) -> LoadInfo:
    @dlt.source
    def shop() -> Any:
        return dlt.resource(rows, name="orders", write_disposition=more.pop("how", "append"))

    return place.pipeline().run(shop(), part=part, **more)


def held(place: Place) -> dict[str, list[Any]]:
    """The ids of orders, and what hangs on them."""
    lines = {row["_dlt_id"]: row["sku"] for row in place.read("orders__lines")}
    tags = [(lines[t["_dlt_parent_id"]], t["value"]) for t in place.read("orders__lines__tags")]
    return {
        "orders": [number for (number,) in place.rows("orders", "id")],
        "lines": place.nested("orders__lines", "sku"),
        "tags": sorted(tags),
    }


def expected(*ids: int) -> dict[str, list[Any]]:
    lines = [(n, f"{n}-{i}") for n in ids for i in range(2)]
    return {
        "orders": list(ids),
        "lines": lines,
        "tags": [(sku, f"{sku}-a") for _, sku in lines],
    }


def test_a_part_that_comes_again_takes_the_place_of_the_one_before(place: Place) -> None:
    load(place, "monday", orders(1, 2))
    load(place, "tuesday", orders(3))
    load(place, "monday", orders(2, 4))
    assert held(place) == expected(2, 3, 4)
    load(place, "monday", orders(1, 2))
    assert held(place) == expected(1, 2, 3)


def test_rows_of_no_part_stay(place: Place) -> None:
    load(place, None, orders(7))
    load(place, "monday", orders(1))
    load(place, None, orders(8))
    load(place, "monday", orders(2))
    assert held(place) == expected(2, 7, 8)


def test_the_first_load_of_a_part_removes_nothing(place: Place) -> None:
    load(place, "monday", [])
    load(place, "tuesday", orders(1))
    load(place, "wednesday", [])
    assert held(place) == expected(1)


def test_no_rows_do_not_empty_a_part_unless_that_is_allowed(place: Place) -> None:
    load(place, "monday", orders(1, 2))
    load(place, "tuesday", orders(3))
    with pytest.raises(ContractError, match="no rows came for 'monday', of which 2 are there"):
        load(place, "monday", [])
    assert held(place) == expected(1, 2, 3)
    load(place, "monday", [], allow_empty=True)
    assert held(place) == expected(3)
    load(place, "monday", orders(5))
    assert held(place) == expected(3, 5)


def test_a_part_over_many_loads_of_others_is_still_known(place: Place) -> None:
    for number in range(6):
        load(place, f"day {number}", orders(number))
    load(place, "day 2", orders(12))
    assert held(place)["orders"] == [0, 1, 3, 4, 5, 12]


def test_a_source_with_a_cursor_of_its_own_adds_to_a_part(place: Place) -> None:
    cursor = dlt.sources.incremental("id", initial_value=0)

    def again(*ids: int) -> None:
        found = dlt.resource(orders(*ids), name="orders", incremental=cursor)
        place.pipeline().run(found, part="monday")

    again(1, 2)
    again(1, 2, 3)
    assert held(place) == expected(1, 2, 3)


def test_a_refresh_forgets_parts(place: Place) -> None:
    load(place, "monday", orders(1))
    load(place, "tuesday", orders(2), refresh="drop_resources")
    load(place, "monday", orders(3))
    assert held(place) == expected(2, 3)
    loads = {row["partition"] for row in place.read("_odp_partitions")}
    assert loads == {"monday", "tuesday"}


def test_a_merge_keeps_to_its_keys(database: Place) -> None:
    @dlt.source
    def shop(rows: Any) -> Any:
        return dlt.resource(rows, name="orders", write_disposition="merge", primary_key="id")

    database.pipeline().run(shop(orders(1, 2)), part="monday")
    database.pipeline().run(shop(orders(2, 3)), part="monday")
    assert held(database) == expected(1, 2, 3)


def test_rows_that_do_not_tell_their_load_are_not_replaced(database: Place) -> None:
    page = pa.table({"id": [1, 2]})
    load(database, "monday", [page])
    with pytest.raises(DestinationError, match="do not tell which load brought them") as error:
        load(database, "monday", [page])
    assert "add_dlt_load_id" in str(error.value)
    assert len(database.read("orders")) == 2


def test_files_that_do_not_tell_their_load_are_not_replaced(tmp_path: Path) -> None:
    lake = Filesystem(bucket_url=str(tmp_path), layout="{table_name}/{file_id}.{ext}")
    place = Place(tmp_path, lake, "data")
    load(place, "monday", orders(1))
    with pytest.raises(DestinationError, match="the files of 'orders' do not tell which load"):
        load(place, "monday", orders(1))
    assert held(place) == expected(1)


def test_files_of_a_replaced_load_are_gone_from_the_folder(tmp_path: Path) -> None:
    place = Place(tmp_path, Filesystem(bucket_url=str(tmp_path)), "data")
    load(place, "monday", orders(1))
    before = set(tmp_path.rglob("orders/*.parquet"))
    load(place, "monday", orders(2))
    after = set(tmp_path.rglob("orders/*.parquet"))
    assert len(before) == len(after) == 1
    assert not before & after
