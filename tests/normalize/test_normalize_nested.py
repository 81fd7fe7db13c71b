from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given, settings

from odp_dlt.normalize.arrow import Reading, to_arrow
from odp_dlt.normalize.flat import SOURCE_KEY, tagged_name
from odp_dlt.normalize.limits import limits_of
from odp_dlt.normalize.nested import normalize
from odp_dlt.schema.internal import new_schema
from odp_dlt.schema.model import Schema, Table
from odp_dlt.schema.naming import naming_convention

NAMING = naming_convention("snake_case")


def split(rows: list[Any], root: Table | None = None) -> tuple[dict[str, pa.Table], Schema]:
    root = root or Table("t", resource="t", write_disposition="append")
    schema = new_schema("s")
    page, _ = to_arrow(rows, Reading(), limits_of([root], schema, NAMING))
    tables, changes = normalize(page, root, schema, "1.0", NAMING)
    return tables, changes.applied(schema)


def columns(schema: Schema, table: str) -> dict[str, str | None]:
    return {name: column.data_type for name, column in schema.tables[table].columns.items()}


def data(tables: dict[str, pa.Table], table: str) -> list[dict[str, Any]]:
    """Rows without the system's columns and without nulls."""
    return [
        {k: v for k, v in row.items() if v is not None and not k.startswith("_dlt_")}
        for row in tables[table].to_pylist()
    ]


def test_dicts_become_columns_and_lists_become_tables() -> None:
    tables, schema = split(
        [{"id": 1, "user": {"name": "a"}, "tags": ["x", "y"], "lines": [{"n": 2}]}]
    )
    assert data(tables, "t") == [{"id": 1, "user__name": "a"}]
    assert data(tables, "t__tags") == [{"value": "x"}, {"value": "y"}]
    assert data(tables, "t__lines") == [{"n": 2}]
    assert schema.tables["t__tags"].parent == "t"


def test_nested_rows_carry_their_parent_and_their_place() -> None:
    tables, _ = split([{"l": [10, 11]}, {"l": None}, {"l": [12]}])
    ids = tables["t"].column("_dlt_id").to_pylist()
    nested = tables["t__l"].to_pylist()
    assert [(r["_dlt_parent_id"], r["_dlt_list_idx"], r["value"]) for r in nested] == [
        (ids[0], 0, 10),
        (ids[0], 1, 11),
        (ids[2], 0, 12),
    ]


def test_lists_of_lists_become_tables_named_list() -> None:
    tables, _ = split([{"l": [[1, 2], [3, [4]]]}])
    assert tables["t__l"].num_rows == 2
    assert data(tables, "t__l__list") == [{"value": 1}, {"value": 2}, {"value": 3}, {}]
    assert data(tables, "t__l__list__list") == [{"value": 4}]


def test_columns_stand_in_the_order_that_dlt_gives_them() -> None:
    row = {
        "a": 1,
        "d1": {"x": 1, "dd": {"y": 1}, "z": 1},
        "b": 1,
        "d2": {"q": {"r": 1}, "s": 1},
        "c": 1,
    }
    _, schema = split([row, {"later": 1}])
    assert list(columns(schema, "t")) == [
        *("a", "b", "c", "d2__s", "d2__q__r", "d1__x", "d1__z", "d1__dd__y"),
        *("_dlt_load_id", "_dlt_id", "later"),
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, "a"], {"x": "bigint", "x__v_text": "text"}),
        ([1, 2.5], {"x": "bigint", "x__v_double": "double"}),
        ([2.5, 1], {"x": "double"}),
        ([1, True], {"x": "bigint", "x__v_bool": "bool"}),
        (["a", 1], {"x": "text"}),
        (["2024-01-02T03:04:05Z", "soon"], {"x": "timestamp", "x__v_text": "text"}),
        (["2024-01-02", "2024-01-02T03:04:05Z"], {"x": "text"}),
        ([1, "2024-01-02T03:04:05Z", "abc"], {"x": "bigint", "x__v_text": "text"}),
        ([1, None, {"a": 1}], {"x": "bigint", "x__a": "bigint"}),
    ],
)
def test_a_value_of_another_type_goes_to_a_variant_column(
    values: list[Any], expected: dict[str, str]
) -> None:
    _, schema = split([{"x": value} for value in values])
    found = {k: v for k, v in columns(schema, "t").items() if not k.startswith("_dlt_")}
    assert found == expected


def test_a_scalar_and_a_list_under_one_key_are_a_column_and_a_table() -> None:
    tables, _ = split([{"x": 1}, {"x": [2]}])
    assert data(tables, "t") == [{"x": 1}, {}]
    assert data(tables, "t__x") == [{"value": 2}]


def test_keys_that_become_one_name_share_it_where_no_row_has_both() -> None:
    tables, _ = split([{"Id": 1}, {"id": 2}])
    assert data(tables, "t") == [{"id": 1}, {"id": 2}]


def test_from_the_first_row_that_has_both_keys_each_has_its_own_column() -> None:
    tables, schema = split([{"Id": 1}, {"Id": 2, "id": 3, "ID": 4}, {"Id": 5}])
    of_capital = tagged_name("id", "Id", NAMING)
    of_capitals = tagged_name("id", "ID", NAMING)
    assert data(tables, "t") == [
        {"id": 1},
        {"id": 3, of_capital: 2, of_capitals: 4},
        {of_capital: 5},
    ]
    keys = {name: c.hints.get(SOURCE_KEY) for name, c in schema.tables["t"].columns.items()}
    assert {n: k for n, k in keys.items() if k} == {"id": "id", of_capital: "Id", of_capitals: "ID"}


def test_later_pages_keep_to_the_columns_that_the_schema_records() -> None:
    first, schema = split([{"Id": 1, "id": 2}])
    later, after = split([{"Id": 3}, {"id": 4}], schema.tables["t"])
    assert data(later, "t") == [{tagged_name("id", "Id", NAMING): 3}, {"id": 4}]
    assert after.tables["t"] == schema.tables["t"]
    assert set(first["t"].column_names) == set(later["t"].column_names)


def test_names_of_which_nothing_is_left_stay_apart() -> None:
    tables, _ = split([{"żółć": 1, "名前": 2, "x": 3}])
    ((only),) = data(tables, "t")
    assert only == {
        "x": 3,
        tagged_name("x", "żółć", NAMING): 1,
        tagged_name("x", "名前", NAMING): 2,
    }


def test_lists_that_become_one_table_stay_apart() -> None:
    tables, schema = split(
        [{"a": [{"x": 1}]}, {"a": [{"x": 2}], "A": [{"x": 5}]}, {"A": [{"x": 6}]}]
    )
    of_capital = tagged_name("a", "A", NAMING)
    assert data(tables, "t__a") == [{"x": 1}, {"x": 2}]
    assert data(tables, f"t__{of_capital}") == [{"x": 5}, {"x": 6}]
    assert schema.tables[f"t__{of_capital}"].hints == {SOURCE_KEY: "A"}


def test_lists_that_share_a_table_keep_all_their_rows() -> None:
    tables, _ = split([{"a": [{"x": 1}]}, {"A": [{"y": "q"}, {"x": "r"}]}])
    assert data(tables, "t__a") == [{"x": 1}, {"y": "q"}, {"x__v_text": "r"}]


def test_a_field_that_is_named_like_a_variant_loses_nothing() -> None:
    tables, _ = split([{"x": 1}, {"x": "a", "x__v_text": "b"}, {"x": "c"}])
    tag = tagged_name("x__v_text", "x__v_text (text)", NAMING)
    assert data(tables, "t") == [{"x": 1}, {"x__v_text": "a", tag: "b"}, {"x__v_text": "c"}]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (0, {"t"}),
        (1, {"t", "t__l"}),
        (2, {"t", "t__l", "t__l__k"}),
        (None, {"t", "t__l", "t__l__k", "t__d__e__kk", "t__l__k__q"}),
    ],
)
def test_nesting_deeper_than_the_limit_stays_json(limit: int | None, expected: set[str]) -> None:
    row = {"l": [{"z": 2, "k": [{"q": [1]}]}], "d": {"e": {"f": 1, "kk": [1, 2]}}}
    root = Table("t", resource="t", write_disposition="append", max_nesting=limit)
    tables, schema = split([row], root)
    assert set(tables) == expected
    if limit == 0:
        assert data(tables, "t") == [
            {"l": '[{"z":2,"k":[{"q":[1]}]}]', "d": '{"e":{"f":1,"kk":[1,2]}}'}
        ]
        assert columns(schema, "t")["l"] == "json"


SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=4)
KEYS = st.sampled_from(["a", "b", "c", "d"])
DOCUMENTS = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
        max_leaves=12,
    ),
    max_size=4,
)


def leaves(value: Any) -> int:
    """How many scalars a document holds, null not counted."""
    if isinstance(value, dict):
        return sum(leaves(item) for item in value.values())
    if isinstance(value, list):
        return sum(leaves(item) for item in value)
    return value is not None


@settings(deadline=None)
@given(st.lists(DOCUMENTS, min_size=1, max_size=6))
def test_no_scalar_is_lost_and_every_nested_row_has_its_parent(rows: list[Any]) -> None:
    tables, schema = split(rows)
    kept = sum(len(row) for name in tables for row in data(tables, name))
    assert kept == sum(leaves(row) for row in rows)
    for name, table in tables.items():
        parent = schema.tables[name].parent
        if parent is not None:
            owners = set(tables[parent].column("_dlt_id").to_pylist())
            assert set(table.column("_dlt_parent_id").to_pylist()) <= owners
