"""Versions of rows with the time they were valid, on every destination that keeps them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from odp_dlt.errors import ContractError, SourceError
from tests.destinations.places import Place, needs

FROM, TO = "_dlt_valid_from", "_dlt_valid_to"


def active(place: Place, *columns: str) -> list[tuple[Any, ...]]:
    found = [tuple(r[c] for c in columns) for r in place.read("orders") if r[TO] is None]
    return sorted(found, key=str)


@needs("merge", "scd2")
def test_a_change_ends_one_version_and_begins_another_at_the_same_moment(place: Place) -> None:
    place.merge([{"id": 1, "v": "a"}, {"id": 2, "v": "a"}], "scd2")
    place.merge([{"id": 1, "v": "b"}, {"id": 2, "v": "a"}], "scd2")
    assert place.rows("orders", "id", "v") == [(1, "a"), (1, "b"), (2, "a")]
    assert active(place, "id", "v") == [(1, "b"), (2, "a")]
    versions = {row["v"]: row for row in place.read("orders") if row["id"] == 1}
    assert versions["a"][TO] == versions["b"][FROM] != versions["a"][FROM]


@needs("merge", "scd2")
def test_a_row_that_is_absent_ends_and_may_come_back_as_a_version_of_its_own(place: Place) -> None:
    both = [{"id": 1, "tags": ["x"]}, {"id": 2, "tags": ["y", "z"]}]
    place.merge(both, "scd2")
    place.merge(both[:1], "scd2")
    assert active(place, "id") == [(1,)]
    place.merge(both, "scd2")
    assert active(place, "id") == [(1,), (2,)]
    assert place.rows("orders", "id") == [(1,), (2,), (2,)]
    assert len(set(place.rows("orders", "_dlt_id"))) == 2
    assert place.rows("orders__tags", "value") == [("x",), ("y",), ("z",)]


@needs("merge", "scd2")
def test_nested_rows_belong_to_their_version_and_stay_with_it(place: Place) -> None:
    place.merge([{"id": 1, "lines": [{"n": [1]}]}], "scd2")
    place.merge([{"id": 1, "lines": [{"n": [1, 2]}]}], "scd2")
    versions = {row["_dlt_id"]: row[TO] is None for row in place.read("orders")}
    lines = {row["_dlt_id"]: versions[row["_dlt_parent_id"]] for row in place.read("orders__lines")}
    numbers = [(lines[r["_dlt_parent_id"]], r["value"]) for r in place.read("orders__lines__n")]
    assert sorted(numbers) == [(False, 1), (True, 1), (True, 2)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"x": None}, {}),
        ({}, {"x": None}),
        ({"x": 1}, {"x": 1.0}),
        ({"x": 1.5, "y": {"z": None}}, {"y": {"z": None}, "x": 1.5}),
        ({"l": [{"a": 1, "b": None}]}, {"l": [{"a": 1.0}]}),
    ],
)
@needs("merge", "scd2")
def test_another_spelling_of_the_same_row_is_no_new_version(
    place: Place, before: Any, after: Any
) -> None:
    other = {"id": 2, "x": 2.5, "l": [{"b": 3}]}  # so that the columns are there
    for row in (before, after, before):
        place.merge([{"id": 1, **row}, other], "scd2")
    assert place.rows("orders", "id") == [(1,), (2,)]


@needs("merge", "scd2")
def test_duplicates_in_a_batch_are_one_version(place: Place) -> None:
    place.merge([{"id": 1, "tags": ["x"]}] * 2, "scd2")
    assert place.rows("orders", "id") == [(1,)]
    assert place.rows("orders__tags", "value") == [("x",)]


@needs("merge", "scd2")
def test_with_a_merge_key_only_rows_of_staged_keys_end(place: Place) -> None:
    first = [{"id": n, "day": n % 2, "v": 1} for n in range(4)]
    place.merge(first, "scd2", merge_key="day")
    place.merge([{"id": 1, "day": 1, "v": 2}], "scd2", merge_key="day")
    assert active(place, "id", "v") == [(0, 1), (1, 2), (2, 1)]
    place.merge([], "scd2", merge_key="day")
    assert active(place, "id", "v") == [(0, 1), (1, 2), (2, 1)]


@needs("merge", "scd2")
def test_an_empty_snapshot_stops_unless_it_may_end_everything(place: Place) -> None:
    place.merge([{"id": 1}], "scd2")
    with pytest.raises(ContractError, match="no rows came for 'orders'"):
        place.merge([], "scd2")
    assert active(place, "id") == [(1,)]
    place.merge([], "scd2", allow_empty=True)
    assert active(place, "id") == []
    assert place.rows("orders", "id") == [(1,)]


@needs("merge", "scd2")
def test_columns_and_moments_can_be_chosen(place: Place) -> None:
    options = {
        "validity_column_names": ["since", "until"],
        "active_record_timestamp": "9999-12-31",
        "boundary_timestamp": "2024-05-01T00:00:00Z",
    }
    place.merge([{"id": 1, "v": 1}, {"id": 2, "v": 1}], "scd2", options=options)
    options["boundary_timestamp"] = "2024-06-01T00:00:00Z"
    place.merge([{"id": 1, "v": 2}, {"id": 2, "v": 1}], "scd2", options=options)
    found = [
        (r["id"], r["v"], moment(r["since"]), moment(r["until"])) for r in place.read("orders")
    ]
    may, june, never = datetime(2024, 5, 1), datetime(2024, 6, 1), datetime(9999, 12, 31)
    assert sorted(found) == [(1, 1, may, june), (1, 2, june, never), (2, 1, may, never)]


def moment(value: Any) -> datetime:
    """A moment in UTC, without a zone; SQLite gives it as text."""
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    assert isinstance(value, datetime)
    return value.astimezone(UTC).replace(tzinfo=None)


@needs("merge", "scd2")
def test_a_column_of_the_source_can_say_the_version(place: Place) -> None:
    options = {"row_version_column_name": "h"}
    place.merge([{"id": 1, "h": "a", "v": 1, "l": [1]}], "scd2", options=options)
    place.merge([{"id": 1, "h": "a", "v": 2, "l": [2]}], "scd2", options=options)
    assert place.rows("orders", "v") == [(1,)]
    assert place.nested("orders__l", "value") == [(1, 1)]
    place.merge([{"id": 1, "h": "b", "v": 3, "l": [3]}], "scd2", options=options)
    assert active(place, "v") == [(3,)]
    assert sorted(v for _, v in place.nested("orders__l", "value")) == [1, 3]


@needs("merge", "scd2")
def test_the_hash_of_a_row_without_nulls_is_dlts(place: Place) -> None:
    place.merge([{"v": "a", "k": [1, 2], "id": 1}], "scd2")
    assert place.rows("orders", "_dlt_id") == [("WLOElZfMiKl9NQ",)]


@needs("merge", "scd2")
def test_arrow_rows_need_a_column_that_says_the_version(place: Place) -> None:
    import pyarrow as pa

    rows = pa.table({"id": [1], "h": ["a"]})
    with pytest.raises(SourceError, match="row_version_column_name"):
        place.merge([rows], "scd2")
    for version in ("a", "a", "b"):
        rows = pa.table({"id": [1], "h": [version]})
        place.merge([rows], "scd2", options={"row_version_column_name": "h"})
    assert place.rows("orders", "h") == [("a",), ("b",)]
    assert active(place, "h") == [("b",)]
