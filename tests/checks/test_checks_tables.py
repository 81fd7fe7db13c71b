"""The checks that look at the table, on every destination."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from odp_dlt.checks.base import Subject, Verdict, checks
from odp_dlt.destinations.base import TableView
from odp_dlt.errors import ConfigError, DestinationError
from tests.destinations.places import Place

ROWS: list[dict[str, Any]] = [
    {"id": 1, "email": "a", "amount": 5, "lines": [{"sku": "x"}, {"sku": "y"}]},
    {"id": 2, "email": None, "amount": -1, "lines": [{"sku": "z"}]},
    {"id": 2, "email": None, "amount": None, "lines": []},
]


def judged(
    place: Place, kind: str, table: str = "orders", above: str | None = None, **params: Any
) -> Verdict:
    check = checks.find(kind).model_validate(params)
    with place.destination.open(place.dataset, write=False) as session:
        view = TableView(session, table, above)
        return check.judge(Subject(f"shop/{table}", {"rows_loaded": 3}, view))


def sampled(verdict: Verdict) -> list[dict[str, Any]]:
    assert verdict.sample is not None
    rows: list[dict[str, Any]] = verdict.sample.to_pylist()
    return rows


def test_not_null_counts_the_nulls_of_each_column_and_shows_their_rows(place: Place) -> None:
    place.load(ROWS)
    assert judged(place, "not_null", columns=["id"]).passed
    found = judged(place, "not_null", columns=["id", "email", "amount"])
    assert not found.passed
    assert found.description == "email is null in 2, amount is null in 1 of 3 rows"
    assert found.numbers == {"rows": 3, "nulls_id": 0, "nulls_email": 2, "nulls_amount": 1}
    assert sorted(str(row["amount"]) for row in sampled(found)) == ["-1", "None"]
    assert all(row["_dlt_id"] for row in sampled(found))


def test_unique_counts_what_is_there_twice_and_leaves_nulls_alone(place: Place) -> None:
    place.load(ROWS)
    found = judged(place, "unique", columns=["id"])
    assert not found.passed
    assert found.numbers == {"repeated_values": 1, "rows_with_repeated_values": 2}
    assert sampled(found) == [{"id": 2, "rows": 2}]
    assert judged(place, "unique", columns=["email"]).passed
    assert judged(place, "unique", columns=["id", "amount"]).passed


def test_unique_over_several_columns_compares_them_together(place: Place) -> None:
    place.load([{"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 2}])
    assert sampled(judged(place, "unique", columns=["a", "b"])) == [{"a": 1, "b": 2, "rows": 2}]


@pytest.mark.parametrize(
    ("bounds", "passed"),
    [
        ({"min_total": 3}, True),
        ({"min_total": 4}, False),
        ({"max_total": 3}, True),
        ({"max_total": 2}, False),
        ({"min_total": 1, "max_loaded": 2}, False),
        ({"min_loaded": 3, "max_loaded": 3}, True),
    ],
)
def test_row_bounds_are_of_the_load_and_of_the_table(
    place: Place, bounds: dict[str, Any], passed: bool
) -> None:
    place.load(ROWS)
    found = judged(place, "row_bounds", **bounds)
    assert found.passed == passed
    assert set(found.numbers.values()) == {3}


def test_freshness_is_the_age_of_the_newest_moment(place: Place) -> None:
    now = datetime.now(UTC)
    place.load([{"at": now - timedelta(hours=3)}, {"at": now - timedelta(days=9)}, {"at": None}])
    assert judged(place, "freshness", column="at", max_age="4h").passed
    stale = judged(place, "freshness", column="at", max_age="2h")
    assert not stale.passed
    assert stale.description == "the newest is 3h old, more than 2h"


def test_freshness_takes_dates_and_text_that_is_a_moment(place: Place) -> None:
    today = datetime.now(UTC).date()
    place.load([{"day": today, "word": "soon"}])
    assert judged(place, "freshness", column="day", max_age="25h").passed
    with pytest.raises(ConfigError, match="the column 'word' holds no moments: 'soon'"):
        judged(place, "freshness", column="word", max_age="1d")


def test_orphans_are_nested_rows_whose_parent_is_gone(place: Place) -> None:
    place.load(ROWS)
    assert judged(place, "orphans", "orders__lines", "orders").passed
    with place.destination.open(place.dataset) as session:
        session.remove("orders", {"email": "a"})
    found = judged(place, "orphans", "orders__lines", "orders")
    assert not found.passed
    assert found.numbers == {"orphans": 2}
    assert found.description == "2 rows without a row in orders"
    assert len(sampled(found)) == 2


def test_orphans_of_a_foreign_key_leave_nulls_alone(place: Place) -> None:
    place.load(ROWS)
    place.load([{"order": 2}, {"order": 7}, {"order": None}], name="payments")
    link = {"parent": "orders", "column": "order", "parent_column": "id"}
    found = judged(place, "orphans", "payments", **link)
    assert found.numbers == {"orphans": 1}
    assert [row["order"] for row in sampled(found)] == [7]


def test_orphans_of_a_root_table_want_to_know_the_other_one(place: Place) -> None:
    place.load(ROWS)
    with pytest.raises(ConfigError, match="nested in no other table") as e:
        judged(place, "orphans")
    assert "`parent`, `column` and `parent_column`" in str(e.value)


def test_a_condition_must_be_true_of_every_row_and_null_is_not_true(place: Place) -> None:
    place.load(ROWS)
    assert judged(place, "expression", condition="id >= 1").passed
    found = judged(place, "expression", condition="amount >= 0", samples=2)
    assert found.numbers == {"rows": 3, "rows_that_fail": 2, "rows_where_it_is_null": 1}
    assert found.description == "not true of 2 of 3 rows, 1 of them as it is null there"
    assert sorted(row["id"] for row in sampled(found)) == [2, 2]
    assert judged(place, "expression", condition="amount >= -1 OR amount IS NULL").passed


def test_a_query_must_give_true_and_can_name_other_tables(place: Place) -> None:
    place.load(ROWS)
    same = "SELECT (SELECT count(*) FROM orders__lines) = count(*) FROM {table}"
    assert judged(place, "expression", query=same).passed
    assert not judged(place, "expression", query="SELECT count(*) > 3 FROM {table}").passed
    nothing = judged(place, "expression", query="SELECT max(amount) > 9 FROM {table} WHERE id = 9")
    assert (nothing.passed, nothing.description) == (False, "the query gives null")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT id FROM {table}", "gives 3 rows of 1 columns, and a check needs one value"),
        ("SELECT count(*) FROM {table}", "gives '3', and a check needs true or false"),
    ],
)
def test_a_query_that_gives_no_single_truth_is_no_check(
    place: Place, query: str, said: str
) -> None:
    place.load(ROWS)
    with pytest.raises(ConfigError, match=said):
        judged(place, "expression", query=query)


def test_no_check_can_write(place: Place) -> None:
    place.load(ROWS)
    with pytest.raises(DestinationError):
        judged(place, "expression", query="DELETE FROM {table}")
    assert len(place.read("orders")) == 3


def test_a_column_that_is_not_there_is_told_with_the_nearest_one(place: Place) -> None:
    place.load(ROWS)
    for kind, params in (
        ("not_null", {"columns": ["emial"]}),
        ("unique", {"columns": ["emial"]}),
        ("freshness", {"column": "emial", "max_age": "1d"}),
    ):
        with pytest.raises(ConfigError, match="the table 'orders' has no column 'emial'") as e:
            judged(place, kind, **params)
        assert "Did you mean 'email'?" in str(e.value)


@pytest.mark.parametrize(
    ("kind", "params", "passed"),
    [
        ("not_null", {"columns": ["id"]}, True),
        ("unique", {"columns": ["id"]}, True),
        ("orphans", {}, True),
        ("expression", {"condition": "id > 0"}, True),
        ("freshness", {"column": "at", "max_age": "1d"}, False),
        ("row_bounds", {"min_total": 1}, False),
        ("row_bounds", {"max_total": 1}, True),
    ],
)
def test_of_a_table_that_does_not_exist_only_what_needs_no_row_holds(
    place: Place, kind: str, params: dict[str, Any], passed: bool
) -> None:
    place.load(ROWS)
    assert judged(place, kind, "orders__notes", "orders", **params).passed == passed


def test_names_that_sql_would_trip_over_are_quoted(place: Place) -> None:
    place.load([{"select": 1, "group": 2}, {"select": 1}], name="order")
    assert judged(place, "not_null", "order", columns=["select"]).passed
    assert not judged(place, "not_null", "order", columns=["select", "group"]).passed
    assert not judged(place, "unique", "order", columns=["select"]).passed
    assert judged(place, "expression", "order", condition='"select" = 1').passed


def test_samples_can_be_left_out(place: Place) -> None:
    place.load(ROWS)
    assert judged(place, "not_null", columns=["email"], samples=0).sample is None
