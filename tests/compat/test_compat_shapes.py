"""Nested data: which tables, which columns in which order, and how deep."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from odp_dlt.normalize.flat import tagged_name
from odp_dlt.schema.naming import naming_convention
from tests.compat.oracle import Both, Case, by_both, case, hold, refuses

NAMING = naming_convention("snake_case")


def tag(name: str, keys: str) -> str:
    return tagged_name(name, keys, NAMING)


DEEP = {"id": 1, "l": [1, {"z": 2, "k": [{"q": [1]}]}], "d": {"e": {"f": 1, "kk": [1, 2]}}}

SHAPES = [
    case("scalars", {"id": 1, "k": [1, 2]}),
    case("lists", {"id": 1, "ll": [[1, 2], [3, [4]]]}),
    case("dict_lists", {"id": 1, "a": {"b": [{"x": 1, "c": {"d": [1, 2]}}]}}),
    case("nothing", {"id": 1, "b": {}, "c": [], "d": None, "e": {"f": {}}}),
    case("empty_items", {"id": 1, "a": [{}], "b": [[]], "c": [None], "d": [{}, None, {"y": 1}]}),
    case("dicts", {"id": 1, "a": {"b": {"c": {"d": 1}}}}),
    case("mixed", {"id": 1, "x": [1, "a", 2.5, None, True, {"q": 1}, [7]]}),
    case("mixed_value", {"id": 1, "x": [1, {"q": 1, "value": "a"}, {"value": 2, "q": None}]}),
    case("scalar_dict", {"x": 1}, {"x": {"a": 2}}, {"x": {"b": [1]}}),
    case("scalar_list", {"x": 1}, {"x": [2, 3]}, {"x": "a"}),
    case("dict_list", {"x": {"a": 1}}, {"x": [{"a": 2}]}),
    case("all_three", {"x": 1}, {"x": {"a": 1}}, {"x": [1]}, {"x": None}, {"x": [{"a": 1}]}),
    case("deep", DEEP),
    case("deeper", {"a": [{"b": [{"c": [{"d": [{"e": [{"f": {"g": [1, 2]}}]}]}]}]}]}),
    case("typed_items", {"l": [dt.date(2024, 1, 2), Decimal("1.5"), b"x", dt.time(1, 2)]}),
    case("timestamps", {"l": ["2024-01-02T03:04:05Z", "x", "2024-01-02T03:04:05Z", 5]}),
    Case(
        "later_pages",
        [[[{"a": [1]}], [{"a": [{"b": 1}]}, {"c": [2]}]], [[{"a": ["x"], "c": [[1]]}]]],
    ),
    case("load_id", {"id": 1, "_dlt_load_id": "mine"}),
    case("not_rows", [1, 2], [3]),
]

ORDER = [
    case(
        "order",
        {
            "a": 1,
            "d1": {"x": 1, "dd": {"y": 1}, "z": 1},
            "b": 1,
            "d2": {"q": {"r": 1}, "s": 1},
            "c": 1,
        },
    ),
    case("order_lists", {"l": [1], "a": 1, "m": [{"z": 1, "y": {"x": 1}, "w": 1}]}),
    case("order_later", {"b": 1}, {"a": 1, "b": 2, "c": {"y": 1, "x": 2}}, {"aa": 1}),
    case("order_nulls", {"a": 1, "c": None}, {"a": None, "b": 2, "c": 3}),
    case("order_deep", {"l": [{"a": 1, "c": None}, {"b": 2, "c": 3}, {"a": 1, "b": 1}]}),
    case("order_variants", {"a": 1, "b": 1}, {"a": "y", "b": "x", "c": 1}),
    case(
        "order_contradicting",
        {"a": 1, "b": None, "c": None},
        {"c": 1, "b": 2},
        differs="keys in contradicting orders",
    ),
    case(
        "order_hints",
        {"v": 1, "k": 2, "z": 3},
        hints={
            "columns": {"z": {"data_type": "text"}, "q": {"data_type": "bigint"}},
            "primary_key": "k",
        },
    ),
]

NESTING = [
    *(case(f"nest_{n}", DEEP, hints={"max_table_nesting": n}) for n in range(5)),
    *(
        case(
            f"nest_lists_{n}",
            {"ll": [[1, [2]], [3]], "m": [{"a": {"b": 1}}]},
            hints={"max_table_nesting": n},
        )
        for n in range(4)
    ),
    case(
        "nest_values",
        {
            "x": {
                "moment": dt.datetime(2024, 1, 2, 3, 4, 5, 678, tzinfo=dt.UTC),
                "naive": dt.datetime(2024, 1, 2, 3, 4, 5),
                "day": dt.date(2024, 1, 2),
                "time": dt.time(1, 2, 3),
                "decimal": Decimal("1.50"),
                "bytes": b"hi",
                "text": 'żó"\\ń/\n',
                "numbers": [1, 2.0, 1e20, True, None],
            }
        },
        hints={"max_table_nesting": 0},
    ),
    case(
        "nest_mixed",
        {"x": 1, "y": {"a": 1}},
        {"x": {"a": 1}, "y": [1]},
        {"x": [1], "y": "s"},
        hints={"max_table_nesting": 0},
    ),
]

COLLIDING = [
    case(
        "collide_case",
        {"Id": 1, "id": 2, "ID": 3},
        differs="colliding keys",
        ours={"collide_case": [{"id": 2, tag("id", "Id"): 1, tag("id", "ID"): 3}]},
    ),
    case(
        "collide_dict",
        {"a": {"b": 1}, "a__b": 2},
        differs="colliding keys",
        ours={"collide_dict": [{"a__b": 2, tag("a__b", "a.b"): 1}]},
    ),
    case(
        "collide_letters",
        {"żó": 1, "日本": 2, "x": 3},
        differs="colliding keys",
        ours={"collide_letters": [{"x": 3, tag("x", "żó"): 1, tag("x", "日本"): 2}]},
    ),
    case(
        "collide_spaces",
        {"a b": 1, "a_b": 2, "aB": 3, "a__b": 4, "a___b": 5},
        differs="colliding keys",
        ours={
            "collide_spaces": [
                {"a_b": 2, tag("a_b", "a b"): 1, tag("a_b", "aB"): 3, "a__b": 4, "a___b": 5}
            ]
        },
    ),
    case(
        "collide_types",
        {"A": "x", "a": 1},
        differs="colliding keys",
        ours={"collide_types": [{"a": 1, tag("a", "A"): "x"}]},
    ),
    case(
        "collide_nested",
        {"l": [{"K": 1, "k": 2}]},
        differs="colliding keys",
        ours={"collide_nested": [{}], "collide_nested__l": [{"k": 2, tag("k", "K"): 1}]},
    ),
    case(
        "collide_lists",
        {"a": [{"x": 1}], "A": [{"x": 5}]},
        differs="colliding lists",
        ours={
            "collide_lists": [{}],
            "collide_lists__a": [{"x": 1}],
            f"collide_lists__{tag('a', 'A')}": [{"x": 5}],
        },
    ),
    case(
        "two_parents",
        {"v": [[1]]},
        {"v": {"list": [2]}},
        differs="nested tables of two parents",
    ),
    case(
        "variant_name",
        {"x": 1},
        {"x": "a", "x__v_text": "b"},
        differs="a field named like a variant",
        ours={
            "variant_name": [
                {"x": 1},
                {"x__v_text": "a", tag("x__v_text", "x__v_text (text)"): "b"},
            ]
        },
    ),
    case("no_collision", {"Id": 1}, {"id": 2}, {"ID": "x"}),
    case("no_collision_nested", {"a": {"b": 1}}, {"a__b": 2}, {"A": {"B": None}}),
    case(
        "no_collision_lists",
        {"a": [{"x": 1}]},
        {"A": [{"x": 5, "y": 1}]},
        {"A": [], "a": [{"x": 1}]},
    ),
    case("number_keys", {1: 1, 2.5: 2, None: 3, "": 5}),
    case("truth_keys", {True: 4, False: 5}),
    case(
        "same_number",
        {1: 1, "1": 2},
        differs="colliding keys",
        ours={"same_number": [{"_1": 2, "_1_int": 1}]},
    ),
]

FAILING = [
    case(
        "no_name",
        {"__": 1, "a": 2},
        differs="keys that leave no name",
        ours={"no_name": [{"_empty": 1, "a": 2}]},
        dlt_fails=True,
    ),
    case(
        "own_ids",
        {"l": [{"_dlt_id": "mine", "a": 1}, {"a": 2}]},
        differs="row ids in nested rows",
        ours={"own_ids": [{}], "own_ids__l": [{"a": 1}, {"a": 2}]},
        dlt_fails=True,
    ),
    case(
        "variant_crash",
        *({"x": value} for value in (1, "2024-01-02T03:04:05Z", "abc")),
        differs="timestamp text in a variant column",
        ours={
            "variant_crash": [{"x": 1}, {"x__v_text": "2024-01-02T03:04:05Z"}, {"x__v_text": "abc"}]
        },
        dlt_fails=True,
    ),
]

CASES = [*SHAPES, *ORDER, *NESTING, *COLLIDING, *FAILING]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    return by_both(CASES, tmp_path_factory.mktemp("shapes"))


@pytest.mark.parametrize("each", CASES, ids=lambda each: each.name)
def test_nested_data_becomes_the_tables_of_dlt(each: Case, both: Both) -> None:
    hold(each, both)


@pytest.mark.parametrize("each", FAILING, ids=lambda each: each.name)
def test_dlt_still_fails_on_the_shape(each: Case, tmp_path: Path) -> None:
    assert refuses(each, tmp_path)


def test_ids_that_a_source_yields_are_kept_and_referred_to(both: Both) -> None:
    _, ours = both
    (parent,) = ours["own_ids"].rows
    (row,) = (row for row in ours["own_ids__l"].rows if row["a"] == 1)
    assert (row["_dlt_id"], row["_dlt_parent_id"]) == ("mine", parent["_dlt_id"])


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_a_source_may_limit_the_nesting_of_its_resources(
    limit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cases = [case("plain", DEEP), case("own", DEEP, hints={"max_table_nesting": 3})]
    both = by_both(cases, tmp_path_factory.mktemp("limit"), max_table_nesting=limit)
    for each in cases:
        hold(each, both)
