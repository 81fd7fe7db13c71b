"""Merge by cdc: a load is all that there is, or all of a part, and what it lacks goes."""

from pathlib import Path
from typing import Any

import pytest

from odp_dlt.errors import ConfigError, ContractError
from tests.destinations.places import Place, file_place, needs

FIRST: list[dict[str, Any]] = [
    {"id": 1, "shop": "a", "v": 1, "lines": [{"sku": "x", "opts": [{"k": 1}]}, {"sku": "y"}]},
    {"id": 2, "shop": "a", "v": 1, "lines": [{"sku": "z", "opts": [{"k": 2}]}]},
    {"id": 3, "shop": "b", "v": 1, "lines": [{"sku": "w", "opts": [{"k": 3}]}]},
]
SECOND: list[dict[str, Any]] = [
    {"id": 1, "shop": "a", "v": 2, "lines": [{"sku": "new", "opts": [{"k": 9}]}]},
    {"id": 4, "shop": "a", "v": 2},
]
OF_A = {"destination_scope": "{table}.shop = 'a'"}


def state(place: Place) -> tuple[Any, Any, Any]:
    """Root rows, (id of the root, sku) and (id of the root, k): fails for rows without parents."""
    roots = {row["_dlt_id"]: row["id"] for row in place.read("orders")}
    deepest = [(roots[row["_dlt_root_id"]], row["k"]) for row in place.read("orders__lines__opts")]
    lines = place.nested("orders__lines", "sku")
    parents = {row["_dlt_id"] for row in place.read("orders__lines")}
    assert {row["_dlt_parent_id"] for row in place.read("orders__lines__opts")} <= parents
    return place.rows("orders", "id", "v"), lines, sorted(deepest)


@needs("merge", "cdc")
def test_rows_that_do_not_come_go_with_all_that_is_nested_in_them(place: Place) -> None:
    place.merge(FIRST, "cdc")
    place.merge(SECOND, "cdc")
    assert state(place) == ([(1, 2), (4, 2)], [(1, "new")], [(1, 9)])


@pytest.mark.parametrize(
    "scope",
    ["{table}.shop = 'a'", "shop = 'a'", "shop IN (SELECT shop FROM {staging_table})"],
)
@needs("merge", "cdc")
def test_a_destination_scope_limits_what_goes(place: Place, scope: str) -> None:
    place.merge(FIRST, "cdc")
    place.merge(SECOND, "cdc", options={"destination_scope": scope})
    assert state(place) == ([(1, 2), (3, 1), (4, 2)], [(1, "new"), (3, "w")], [(1, 9), (3, 3)])


@needs("merge", "cdc")
def test_rows_outside_of_the_scope_are_updated_all_the_same(place: Place) -> None:
    place.merge(FIRST, "cdc")
    place.merge([{"id": 3, "shop": "b", "v": 7}], "cdc", options=OF_A)
    assert state(place) == ([(3, 7)], [], [])


@needs("merge", "cdc")
def test_a_merge_key_limits_what_goes_unless_there_is_a_scope(place: Place) -> None:
    keys = {"primary_key": "id", "merge_key": "shop"}
    place.merge(FIRST, "cdc", **keys)
    place.merge(SECOND, "cdc", **keys)
    assert place.rows("orders", "id", "v") == [(1, 2), (3, 1), (4, 2)]
    options = {"destination_scope": "shop = 'b'"}
    place.merge([{"id": 5, "shop": "a", "v": 3}], "cdc", options=options, **keys)
    assert place.rows("orders", "id", "v") == [(1, 2), (4, 2), (5, 3)]


@needs("merge", "cdc")
def test_rows_that_a_source_filter_leaves_out_have_not_come(place: Place) -> None:
    place.merge(FIRST, "cdc")
    place.merge(SECOND, "cdc", options={"source_filter": "id < 4"})
    assert state(place) == ([(1, 2)], [(1, "new")], [(1, 9)])


@needs("merge", "cdc")
def test_a_row_that_says_it_is_deleted_is_not_there_afterwards(place: Place) -> None:
    hints = {"columns": {"gone": {"hard_delete": True}}}
    place.merge([{**row, "gone": False} for row in FIRST], "cdc", **hints)
    batch = [{"id": 1, "gone": True}, {"id": 2, "gone": False}, {"id": 9, "gone": True}]
    place.merge(batch, "cdc", **hints)
    assert place.rows("orders", "id") == [(2,)]
    assert place.read("orders__lines") == []


@needs("merge", "cdc")
def test_an_empty_load_stops_unless_that_is_allowed(place: Place) -> None:
    place.merge(FIRST, "cdc")
    with pytest.raises(ContractError, match="no rows came for 'orders', which holds 3 that would"):
        place.merge([], "cdc")
    of_scope = "holds 3 of which those of the destination_scope would be gone"
    with pytest.raises(ContractError, match=of_scope):
        place.merge([], "cdc", options=OF_A)
    place.merge([], "cdc", options=OF_A, allow_empty=True)
    assert state(place) == ([(3, 1)], [(3, "w")], [(3, 3)])
    place.merge([], "cdc", allow_empty=True)
    assert state(place) == ([], [], [])


@needs("merge", "cdc")
def test_an_empty_load_takes_nothing_where_only_its_rows_could_tell_what(place: Place) -> None:
    place.merge(FIRST, "cdc", merge_key="shop", primary_key="id")
    place.merge([], "cdc", merge_key="shop", primary_key="id")
    options = {"destination_scope": "shop IN (SELECT shop FROM {staging_table})"}
    place.merge([], "cdc", options=options)
    assert place.rows("orders", "id") == [(1,), (2,), (3,)]


@pytest.mark.parametrize("strategy", ["upsert", "cdc"])
@needs("merge")
def test_a_version_column_alone_says_whether_a_row_is_unchanged(
    place: Place, strategy: str
) -> None:
    options = {"skip_unchanged_rows": True, "row_version_column_name": "v"}
    before = place.merge([{"id": 1, "v": 1, "n": 1}, {"id": 2, "v": 1}], strategy, options=options)
    batch = [{"id": 1, "v": 1, "n": 2}, {"id": 2, "v": 2}]
    after = place.merge(batch, strategy, options=options)
    assert place.rows("orders", "id", "_dlt_load_id") == [
        (1, before.load_id),
        (2, after.load_id),
    ]


@needs("merge", "delete-insert")
def test_with_a_scope_delete_insert_deletes_by_it_and_not_by_keys(place: Place) -> None:
    place.merge(FIRST, "delete-insert")
    place.merge(SECOND, "delete-insert", options={"destination_scope": "shop = 'b'"})
    assert place.rows("orders", "id", "v") == [(1, 1), (1, 2), (2, 1), (4, 2)]
    how = {"disposition": "merge", "strategy": "delete-insert", **OF_A}
    place.load([{"id": 5, "shop": "a"}], name="visits", write_disposition=how)
    place.load([{"id": 6, "shop": "a"}], name="visits", write_disposition=how)
    assert place.rows("visits", "id") == [(6,)]


@needs("merge", "scd2")
def test_scd2_ends_versions_in_its_scope_of_rows_that_its_filter_leaves(place: Place) -> None:
    place.merge(FIRST, "scd2")
    place.merge(SECOND, "scd2", options={"destination_scope": "shop = 'b'"})

    def active() -> list[tuple[Any, Any]]:
        return sorted((r["id"], r["v"]) for r in place.read("orders") if not r["_dlt_valid_to"])

    assert active() == [(1, 1), (1, 2), (2, 1), (4, 2)]
    place.merge(FIRST[:2], "scd2", options={"source_filter": "id = 2"})
    assert active() == [(2, 1)]


@pytest.mark.parametrize(
    ("strategy", "option"),
    [
        ("upsert", {"destination_scope": "id = 1"}),
        ("insert-only", {"source_filter": "id = 1"}),
        ("delete-insert", {"skip_unchanged_rows": True}),
        ("insert-only", {"row_version_column_name": "v"}),
    ],
)
def test_an_option_of_another_strategy_is_refused(
    tmp_path: Path, strategy: str, option: dict[str, Any]
) -> None:
    (name,) = option
    with pytest.raises(ConfigError, match=f"'{strategy}' has no option '{name}'") as e:
        file_place("duckdb", tmp_path).merge([{"id": 1}], strategy, options=option)
    assert "Leave it out, or merge by cdc, " in str(e.value)
