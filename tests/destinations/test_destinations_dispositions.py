"""What append, replace and merge make of what is there, on every destination."""

from collections.abc import Iterator
from typing import Any

import pytest

from odp_dlt.errors import ConfigError, ContractError, SourceError, StateMoved
from tests.destinations.places import Place, needs

KEYED = pytest.mark.parametrize("strategy", ["delete-insert", "upsert"])
ALL_KEYED = pytest.mark.parametrize("strategy", ["delete-insert", "upsert", "cdc", "insert-only"])

DEEP = [
    {"id": 1, "lines": [{"sku": "a", "opts": [{"k": 1}, {"k": 2}]}, {"sku": "b", "opts": []}]},
    {"id": 2, "lines": [{"sku": "c", "opts": [{"k": 3}]}]},
]


def grandchildren(place: Place) -> list[tuple[Any, Any, Any]]:
    """(id of the root, sku, k) of every row two levels down; each must have its parents."""
    roots = {row["_dlt_id"]: row["id"] for row in place.read("orders")}
    lines = {row["_dlt_id"]: row for row in place.read("orders__lines")}
    parents = [(lines[row["_dlt_parent_id"]], row) for row in place.read("orders__lines__opts")]
    return sorted((roots[line["_dlt_parent_id"]], line["sku"], row["k"]) for line, row in parents)


def test_append_adds_rows_and_nested_rows(place: Place) -> None:
    place.load(DEEP)
    place.load([{"id": 3, "lines": [{"sku": "d", "opts": [{"k": 4}]}]}])
    assert place.rows("orders", "id") == [(1,), (2,), (3,)]
    assert grandchildren(place) == [(1, "a", 1), (1, "a", 2), (2, "c", 3), (3, "d", 4)]


def test_replace_replaces_rows_and_nested_rows(place: Place) -> None:
    place.load(DEEP)
    place.load([{"id": 3, "lines": [{"sku": "d"}]}], write_disposition="replace")
    assert place.rows("orders", "id") == [(3,)]
    assert place.nested("orders__lines", "sku") == [(3, "d")]
    assert place.rows("orders__lines__opts", "k") == []


def test_a_replace_that_fails_leaves_what_was_there(place: Place) -> None:
    place.load(DEEP)

    def rows() -> Iterator[Any]:
        yield {"id": 9, "v": 1}
        place.load([{"id": 2, "v": "text"}])  # another run is faster, so this one must not load

    with pytest.raises(StateMoved):
        place.load(rows, write_disposition="replace")
    assert place.rows("orders", "id") == [(1,), (2,), (2,)]
    assert len(place.read("orders__lines__opts")) == 3


def test_a_replace_that_brings_nothing_stops_unless_that_is_allowed(place: Place) -> None:
    place.load(DEEP)
    with pytest.raises(ContractError, match="no rows came for 'orders', which holds 2") as e:
        place.load([], write_disposition="replace")
    assert "allow_empty: true" in str(e.value)
    assert place.rows("orders", "id") == [(1,), (2,)]
    place.load([], write_disposition="replace", allow_empty=True)
    assert place.rows("orders", "id") == []
    assert place.rows("orders__lines__opts", "k") == []
    place.load([], write_disposition="replace")  # there is nothing to lose any more


@KEYED
@needs("merge")
def test_a_merge_replaces_rows_of_the_same_key_with_all_nested_rows(
    place: Place, strategy: str
) -> None:
    place.merge(DEEP, strategy)
    place.merge([{"id": 1, "note": "new", "lines": [{"sku": "z", "opts": [{"k": 9}]}]}], strategy)
    assert place.rows("orders", "id", "note") == [(1, "new"), (2, None)]
    assert place.nested("orders__lines", "sku") == [(1, "z"), (2, "c")]
    assert grandchildren(place) == [(1, "z", 9), (2, "c", 3)]
    place.merge([{"id": 2}], strategy)
    assert grandchildren(place) == [(1, "z", 9)]


@needs("merge", "insert-only")
def test_insert_only_adds_new_keys_and_leaves_the_others(place: Place) -> None:
    place.merge(DEEP, "insert-only")
    more = [{"id": 1, "lines": [{"sku": "z"}]}, {"id": 3, "lines": [{"sku": "d"}]}]
    place.merge(more, "insert-only")
    assert place.nested("orders__lines", "sku") == [(1, "a"), (1, "b"), (2, "c"), (3, "d")]
    assert len(grandchildren(place)) == 3


@ALL_KEYED
@needs("merge")
def test_of_rows_with_one_key_the_one_is_kept_that_would_be_if_loaded_one_by_one(
    place: Place, strategy: str
) -> None:
    batch = [
        {"id": 1, "v": 1, "lines": [{"sku": "first"}]},
        {"id": 2, "v": 1},
        {"id": 1, "v": 2, "lines": [{"sku": "last"}, {"sku": "too"}]},
    ]
    for _ in range(2):
        place.merge(batch, strategy)
        kept = {"insert-only": (1, ["first"])}.get(strategy, (2, ["last", "too"]))
        assert place.rows("orders", "id", "v") == [(1, kept[0]), (2, 1)]
        assert place.nested("orders__lines", "sku") == [(1, sku) for sku in kept[1]]


@ALL_KEYED
@pytest.mark.parametrize(("direction", "kept"), [("desc", 9), ("asc", 3)])
@needs("merge")
def test_dedup_sort_says_which_row_is_kept_and_null_is_the_last_choice(
    place: Place, strategy: str, direction: str, kept: int
) -> None:
    batch = [{"id": 1, "n": n, "lines": [{"n": n}]} for n in (5, 9, 3, None)]
    place.merge(batch, strategy, columns={"n": {"dedup_sort": direction}})
    assert place.rows("orders", "id", "n") == [(1, kept)]
    assert place.nested("orders__lines", "n") == [(1, kept)]


@KEYED
@needs("merge")
def test_compound_keys_match_in_all_their_columns(place: Place, strategy: str) -> None:
    key = ["id", "part__no"]
    place.merge(
        [{"id": 1, "part": {"no": n}, "v": 1} for n in ("a", "b")], strategy, primary_key=key
    )
    place.merge([{"id": 1, "part": {"no": "b"}, "v": 2}], strategy, primary_key=key)
    assert place.rows("orders", "part__no", "v") == [("a", 1), ("b", 2)]


@needs("merge", "delete-insert")
def test_a_merge_key_replaces_all_rows_that_have_it_and_keeps_duplicates(place: Place) -> None:
    place.load([{"id": n, "day": n % 2, "lines": [{"sku": str(n)}]} for n in range(4)])
    place.merge(
        [{"id": 7, "day": 1, "lines": [{"sku": "7"}]}] * 2, "delete-insert", merge_key="day"
    )
    assert place.rows("orders", "id") == [(0,), (2,), (7,), (7,)]
    assert place.nested("orders__lines", "sku") == [(0, "0"), (2, "2"), (7, "7"), (7, "7")]


@needs("merge", "delete-insert")
def test_a_merge_key_beside_a_primary_key_replaces_what_either_matches(place: Place) -> None:
    place.load([{"id": n, "day": n % 2} for n in range(4)])
    place.merge([{"id": 0, "day": 1}], "delete-insert", primary_key="id", merge_key="day")
    assert place.rows("orders", "id", "day") == [(0, 1), (2, 0)]


@KEYED
@pytest.mark.parametrize(("gone", "kept"), [(True, False), ("yes", None)])
@needs("merge")
def test_a_hard_delete_takes_the_row_and_all_nested_rows(
    place: Place, strategy: str, gone: Any, kept: Any
) -> None:
    hints = {"columns": {"deleted": {"hard_delete": True}}}
    place.merge([{**row, "deleted": kept} for row in DEEP], strategy, **hints)
    place.merge([{"id": 1, "deleted": gone}, {"id": 8, "deleted": gone}], strategy, **hints)
    assert place.rows("orders", "id") == [(2,)]
    assert grandchildren(place) == [(2, "c", 3)]
    batch = [{"id": 5, "deleted": kept}, {"id": 5, "deleted": gone}]
    place.merge([*batch, {"id": 6, "deleted": gone}, {"id": 6, "deleted": kept}], strategy, **hints)
    assert place.rows("orders", "id") == [(2,), (6,)]


@needs("merge", "insert-only")
def test_insert_only_takes_no_row_that_says_it_is_deleted_and_deletes_none(place: Place) -> None:
    hints = {"columns": {"deleted": {"hard_delete": True}}}
    place.merge([{"id": 1, "deleted": False}], "insert-only", **hints)
    place.merge([{"id": 1, "deleted": True}, {"id": 2, "deleted": True}], "insert-only", **hints)
    assert place.rows("orders", "id") == [(1,)]


@needs("merge", "upsert")
def test_upserted_rows_are_known_by_dlts_hashes_of_their_keys(place: Place) -> None:
    place.merge([{"id": 1, "k": [{"x": [7]}]}], "upsert")
    assert place.rows("orders", "_dlt_id") == [("z5jIxXIbUnmbKw",)]
    before = place.rows("orders__k", "_dlt_id"), place.rows("orders__k__x", "_dlt_id")
    place.merge([{"id": 1, "k": [{"x": [8]}]}], "upsert")
    after = place.rows("orders__k", "_dlt_id"), place.rows("orders__k__x", "_dlt_id")
    assert before == after
    assert place.rows("orders__k__x", "value", "_dlt_root_id") == [(8, "z5jIxXIbUnmbKw")]


@ALL_KEYED
@needs("merge")
def test_what_was_appended_can_be_merged_into_later(place: Place, strategy: str) -> None:
    place.load(DEEP)
    place.merge([{"id": 1}, {"id": 3, "lines": [{"sku": "d"}]}], strategy)
    kept = {"insert-only": [(1, "a"), (1, "b"), (2, "c")], "cdc": []}.get(strategy, [(2, "c")])
    assert place.nested("orders__lines", "sku") == [*kept, (3, "d")]
    roots = {row["_dlt_id"] for row in place.read("orders")}
    for table in ("orders__lines", "orders__lines__opts"):
        assert {row["_dlt_root_id"] for row in place.read(table)} <= roots


@needs("merge", "delete-insert")
def test_a_merge_without_keys_adds_its_rows_with_a_warning(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        place.load(DEEP, write_disposition="merge")
    assert place.rows("orders", "id") == [(1,), (1,), (2,), (2,)]
    assert "'orders' has no key to merge by: its rows are added" in caplog.text


@pytest.mark.parametrize("strategy", ["upsert", "insert-only", "cdc"])
@needs("merge")
def test_an_upsert_without_a_primary_key_stops_before_anything_is_fetched(
    place: Place, strategy: str
) -> None:
    def rows() -> Iterator[Any]:
        raise AssertionError("fetched")
        yield

    with pytest.raises(ConfigError, match=f"'{strategy}' needs a primary key"):
        place.load(rows, write_disposition={"disposition": "merge", "strategy": strategy})


@ALL_KEYED
@needs("merge")
def test_a_row_without_its_key_stops_the_load(place: Place, strategy: str) -> None:
    place.load(DEEP)
    with pytest.raises(SourceError, match="no value for 'id', which is"):
        place.merge([{"id": 7}, {"id": None, "v": 1}], strategy)
    with pytest.raises(SourceError, match="no value for 'nr', which is"):
        place.merge([{"id": 7}], strategy, primary_key="nr")
    assert place.rows("orders", "id") == [(1,), (2,)]


@KEYED
@needs("merge")
def test_a_merge_that_brings_nothing_changes_nothing(place: Place, strategy: str) -> None:
    place.merge(DEEP, strategy)
    place.merge([], strategy)
    assert len(grandchildren(place)) == 3


@needs("merge", "delete-insert")
def test_another_primary_key_takes_the_place_of_the_one_before(place: Place) -> None:
    place.merge([{"id": 1, "nr": 1}], "delete-insert")
    place.merge([{"id": 1, "nr": 2}, {"id": 2, "nr": 2}], "delete-insert", primary_key="nr")
    assert place.rows("orders", "id", "nr") == [(1, 1), (2, 2)]


@needs("merge", "delete-insert")
def test_rows_can_be_filtered_and_what_is_deleted_limited(place: Place) -> None:
    place.load([{"id": 1, "shop": "a"}, {"id": 2, "shop": "b"}])
    options = {"source_filter": "id < 3", "destination_scope": "{table}.shop = 'a'"}
    batch = [{"id": n, "shop": "new"} for n in (1, 2, 3)]
    place.merge(batch, "delete-insert", options=options)
    assert place.rows("orders", "id", "shop") == [(1, "new"), (2, "b"), (2, "new")]


@needs("merge", "upsert")
def test_unchanged_rows_can_keep_the_load_that_brought_them(place: Place) -> None:
    options = {"skip_unchanged_rows": True}
    place.merge([{"id": 1, "v": 1, "n": None}, {"id": 2, "v": 1}], "upsert", options=options)
    ((first,),) = set(place.rows("orders", "_dlt_load_id"))
    info = place.merge([{"id": 1, "v": 1}, {"id": 2, "v": 2}], "upsert", options=options)
    assert place.rows("orders", "id", "_dlt_load_id") == [(1, first), (2, info.load_id)]


@needs("merge", "delete-insert")
def test_rows_that_are_known_to_be_single_are_taken_as_they_are(place: Place) -> None:
    place.merge([{"id": 1}, {"id": 1}], "delete-insert", options={"deduplicated": True})
    assert place.rows("orders", "id") == [(1,), (1,)]


def test_the_root_key_can_be_had_without_a_merge(place: Place) -> None:
    place.load(DEEP, root_key=True)
    roots = {row["_dlt_id"] for row in place.read("orders")}
    assert {row["_dlt_root_id"] for row in place.read("orders__lines__opts")} == roots
