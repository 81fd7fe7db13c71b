"""Declared columns: what their types take, and which types the destination gets."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.compat.oracle import Both, Case, by_both, by_ours, case, hold, plain_rows, refuses

UTC = dt.UTC
PLUS_2 = dt.timezone(dt.timedelta(hours=2))


def declared(name: str, column: dict[str, Any], *values: Any, **more: Any) -> Case:
    rows = [{"x": value} for value in values]
    return case(name, *rows, hints={"columns": {"x": column}}, **more)


DECLARED = [
    declared("bigint", {"data_type": "bigint"}, "5", "abc", 1.5, 2.0, True),
    declared("text", {"data_type": "text"}, 1, 1.5, True, None, Decimal("2.50"), b"hi", "a"),
    declared("text_dict", {"data_type": "text"}, {"a": 1}, [1], "s"),
    declared("json", {"data_type": "json"}, {"a": [1, {"b": None}]}, [1, "a"], None, {}, []),
    declared("json_scalars", {"data_type": "json"}, '{"k": 1}', 1, "s", "5", True, "[1, 2]"),
    declared("json_mixed", {"data_type": "json"}, 1, {"a": 1}, "s", [1], 1.5),
    declared("double", {"data_type": "double"}, "1.5", 3, "z", Decimal("1.1")),
    declared("date", {"data_type": "date"}, "2024-01-02", "2024-01-02T03:04:05Z", "bad"),
    declared("time", {"data_type": "time"}, "03:04:05", "03:04", "bad", dt.time(1, 2)),
    declared(
        "timestamp",
        {"data_type": "timestamp"},
        *("2024-01-02", 5, 1.5, "7", dt.date(2024, 1, 2), 1700000000000, "soon"),
    ),
    declared(
        "naive",
        {"data_type": "timestamp", "timezone": False},
        *("2024-01-02T03:04:05+02:00", dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=PLUS_2)),
        *(dt.datetime(2024, 1, 2, 3, 4, 5), "2024-01-02 03:04:05"),
    ),
    *(
        declared(
            f"naive_{digits}",
            {"data_type": "timestamp", "timezone": False, "precision": digits},
            dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
        )
        for digits in (0, 3, 6, 9)
    ),
    declared("decimal", {"data_type": "decimal", "precision": 5, "scale": 2}, 1, "2.5", 0.1),
    declared("decimal_precision", {"data_type": "decimal", "precision": 10}, "1.5", 3),
    *(
        declared(f"int_{bits}", {"data_type": "bigint", "precision": bits}, 1, -100)
        for bits in (8, 16, 32, 64, 128)
    ),
    declared("text_precision", {"data_type": "text", "precision": 3}, "abcdef"),
    declared("bool", {"data_type": "bool"}, "yes", 0, "no", 1),
    declared("binary", {"data_type": "binary"}, b"hi", "aGk=", 5),
    declared("wei", {"data_type": "wei"}, 5, "7", Decimal(9)),
    declared("required", {"data_type": "text", "nullable": False}, "a", "b"),
    declared("untyped_required", {"nullable": False}, 1, 2),
    case(
        "on_a_path",
        {"a": {"b": {"c": 1}, "d": 1}},
        hints={"columns": {"a__b": {"data_type": "json"}}},
    ),
    case("on_a_list", {"a": [1], "b": [2]}, hints={"columns": {"a": {"data_type": "json"}}}),
    Case(
        "later_json",
        [[[{"x": {"a": 1}}, {"x": None}]], [[{"x": [1]}, {"x": 2}]]],
        {"columns": {"x": {"data_type": "json"}}},
    ),
]

DIFFERING = [
    declared(
        "rounded",
        {"data_type": "decimal", "precision": 5, "scale": 2},
        *(Decimal("123.456"), "1.005", Decimal("1.5")),
        differs="rounded decimals",
        ours={
            "rounded": [{"x__v_text": "123.456"}, {"x__v_text": "1.005"}, {"x": Decimal("1.50")}]
        },
    ),
]

CASES = [*DECLARED, *DIFFERING]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    return by_both(CASES, tmp_path_factory.mktemp("declared"))


@pytest.mark.parametrize("each", CASES, ids=lambda each: each.name)
def test_a_declared_column_takes_what_dlt_lets_it_take(each: Case, both: Both) -> None:
    hold(each, both)


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ({"data_type": "bigint", "precision": 8}, [1, 300], [{"x": 1}, {"x__v_text": "300"}]),
        ({"data_type": "bigint", "precision": 128}, [2**100], [{"x": Decimal(2**100)}]),
    ],
)
def test_an_integer_that_its_column_does_not_hold_is_kept(
    tmp_path: Path, column: dict[str, Any], values: list[Any], expected: list[Any]
) -> None:
    each = declared("t", column, *values)
    assert refuses(each, tmp_path / "dlt")
    assert plain_rows(by_ours([each], tmp_path)) == {"t": expected}
