"""Nested Arrow columns as JSON text."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odp_dlt.normalize.json_columns import json_texts

TREE = pa.struct(
    [
        ("n", pa.int64()),
        ("s", pa.string()),
        ("l", pa.list_(pa.struct([("b", pa.bool_()), ("t", pa.large_list(pa.string()))]))),
    ]
)
TEXTS = st.none() | st.text(alphabet=st.characters(codec="utf-8"))
LEAVES = st.fixed_dictionaries({"b": st.none() | st.booleans(), "t": st.none() | st.lists(TEXTS)})
TREES = st.fixed_dictionaries(
    {
        "n": st.none() | st.integers(-(2**63), 2**63 - 1),
        "s": TEXTS,
        "l": st.none() | st.lists(st.none() | LEAVES),
    }
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | TREES))
def test_the_text_says_what_the_values_are(values: list[Any]) -> None:
    texts = json_texts(pa.array(values, TREE)).to_pylist()
    assert [None if text is None else json.loads(text) for text in texts] == values


@pytest.mark.parametrize(
    ("array", "texts"),
    [
        (pa.array([[1.0, None], None, []]), ["[1.0,null]", None, "[]"]),
        (pa.array([{"d": Decimal("1.50")}]), ['{"d":"1.50"}']),
        (pa.array([{"d": date(2024, 1, 2)}]), ['{"d":"2024-01-02"}']),
        (pa.array([[1, 2], None], pa.list_(pa.int8(), 2)), ["[1,2]", None]),
        (pa.array([{}, None], pa.struct([])), ["{}", None]),
        (pa.array([{'a "b"': 'c\\"'}]), ['{"a \\"b\\"":"c\\\\\\""}']),
        (pa.array([[("k", [1])]], pa.map_(pa.string(), pa.list_(pa.int64()))), ['{"k":[1]}']),
        (pa.array([[1], [2, 3], None, [4]]).slice(1, 2), ["[2,3]", None]),
        (pa.array([{"a": 1}, {"a": 2}]).slice(1), ['{"a":2}']),
    ],
)
def test_the_text_is_compact(array: pa.Array, texts: list[str | None]) -> None:
    assert json_texts(array).to_pylist() == texts
