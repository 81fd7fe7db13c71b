"""Hashes of rows and keys: by columns as value by value, and as dlt has them."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Context, Decimal
from typing import Any

import orjson
import pyarrow as pa
import pytest
from dlt.common.json import json as dlts_json
from dlt.common.normalizers.json import helpers as dlts
from dlt.common.wei import Wei as TheirWei
from hypothesis import given, settings
from hypothesis import strategies as st

from odp_dlt.errors import SourceError
from odp_dlt.normalize.arrow import Reading, to_arrow
from odp_dlt.normalize.hashes import key_hashes, nested_hashes, row_hashes
from odp_dlt.normalize.limits import Limits
from odp_dlt.schema.types import Wei

WIDE = Context(prec=100)
EXACT = 2**53

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
whole = st.integers(-(2**63), 2**63 - 1)
broken = st.floats(allow_nan=False, allow_infinity=False)
moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3)), None]))
digits = st.decimals(allow_nan=False, allow_infinity=False, places=3).map(lambda d: +d)
scalars = st.one_of(
    text, whole, broken, st.booleans(), moments, st.dates(), st.times(), st.binary(max_size=4),
    st.builds(Decimal, st.integers(-(10**30), 10**30)).map(lambda d: d.scaleb(-9, WIDE)),
    st.builds(Wei, st.integers(0, 10**40)),
)  # fmt: skip
names = st.sampled_from(["a", "b", "B", "é", '"q', "_dlt_x", "a b"])
values = st.recursive(
    st.none() | scalars,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(names, inside, max_size=3),
    max_leaves=8,
)
rows = st.dictionaries(names, values, max_size=4)

# No two objects in one list: a page does not know which of them lacked a key and which had None.
alone = st.recursive(
    st.none() | scalars | st.lists(st.none() | scalars, max_size=3),
    lambda inside: st.lists(inside, max_size=1) | st.dictionaries(names, inside, max_size=3),
    max_leaves=8,
)


def page(found: list[dict[str, Any]]) -> pa.StructArray:
    return to_arrow(found, Reading(), Limits())[0]


def hashed(content: bytes) -> str:
    digest = hashlib.shake_128(content).digest(10)
    return base64.b64encode(digest).decode().rstrip("=")


def spelled(value: Any, *, slim: bool) -> Any:
    """`value` as it is hashed, with the mark of its class: one value after the other."""
    if isinstance(value, dict):
        fields = {k: spelled(v, slim=slim) for k, v in value.items()}
        return {k: v for k, v in fields.items() if v is not None} if slim else fields
    if isinstance(value, list):
        return [spelled(v, slim=slim) for v in value]
    if isinstance(value, float):
        small = slim and value.is_integer() and abs(value) < EXACT
        return int(value) if small else value
    if slim and isinstance(value, Decimal):
        return marked(value, lambda v: f"{WIDE.normalize(v):f}" if v else "0")
    return marked(value, str)


def marked(value: Any, spell: Callable[[Decimal], str]) -> Any:
    """`value` as text with the mark of its class, if JSON has no values of that class."""
    marks: list[tuple[type, str, Callable[[Any], str]]] = [
        (bytes, "\uf02b", lambda v: base64.b64encode(v).decode()),
        (Wei, "\uf02c", spell),
        (Decimal, "\uf026", spell),
        (datetime, "\uf027", datetime.isoformat),
        (date, "\uf028", date.isoformat),
        (time, "\uf02d", time.isoformat),
    ]
    found = (mark + text(value) for kind, mark, text in marks if isinstance(value, kind))
    return next(found, value)


def one_by_one(row: Mapping[str, Any], *, slim: bool) -> str:
    own = {k: v for k, v in row.items() if not k.startswith("_dlt_")}
    return hashed(orjson.dumps(spelled(own, slim=slim), option=orjson.OPT_SORT_KEYS))


def _with_their_wei(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _with_their_wei(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_their_wei(v) for v in value]
    return TheirWei(value) if isinstance(value, Wei) else value


def dlts_hash(row: Mapping[str, Any]) -> str:
    """What dlt makes of `row`, which it has written to a file and read again."""
    read = dlts_json.loadb(dlts_json.typed_dumpb(_with_their_wei(row)))
    return str(dlts.get_row_hash(read))


@settings(deadline=None)
@given(st.lists(rows, min_size=1, max_size=5))
def test_the_hash_of_a_row_is_the_same_by_columns_as_value_by_value(found: list[Any]) -> None:
    slim, _ = row_hashes(page(found))
    assert slim.to_pylist() == [one_by_one(row, slim=True) for row in found]


@settings(deadline=None)
@given(st.dictionaries(names, alone, max_size=4))
def test_the_hash_with_nulls_is_dlts(row: dict[str, Any]) -> None:
    _, full = row_hashes(page([row]))
    assert full.to_pylist() == [one_by_one(row, slim=False)] == [dlts_hash(row)]


@settings(deadline=None)
@given(st.lists(st.tuples(text, whole), min_size=1, max_size=5))
def test_the_hash_of_a_key_is_dlts(keys: list[tuple[str, int]]) -> None:
    names = {"b": pa.array([key[0] for key in keys]), "a": pa.array([key[1] for key in keys])}
    wanted = [dlts_hash({"a": number, "b": name}) for name, number in keys]
    assert key_hashes(names, len(keys), "t").to_pylist() == wanted


@settings(deadline=None)
@given(st.lists(st.tuples(text, st.integers(0, 2**40)), min_size=1, max_size=5))
def test_the_hash_of_a_nested_row_is_dlts(places: list[tuple[str, int]]) -> None:
    parents, positions = (pa.array(each) for each in zip(*places, strict=True))
    wanted = [dlts.get_nested_row_hash(parent, "t__x", at) for parent, at in places]
    assert nested_hashes(parents, "t__x", positions).to_pylist() == wanted


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"x": 1}, {"x": 1.0}),
        ({"x": 0}, {"x": -0.0}),
        ({"x": None}, {}),
        ({"x": {"y": None, "z": 1}}, {"x": {"z": 1.0}}),
        ({"x": [{"y": None}]}, {"x": [{}]}),
        ({"x": Decimal("1.50")}, {"x": Decimal("1.5")}),
        ({"x": Decimal("0.00")}, {"x": Decimal(0)}),
        ({"x": Decimal("1E+2")}, {"x": Decimal(100)}),
        ({"x": 1, "y": 2}, {"y": 2, "x": 1}),
    ],
)
def test_two_spellings_of_one_row_have_one_hash(one: Any, other: Any) -> None:
    for found in ([one, other], [other, one]):
        first, second = row_hashes(page(found))[0].to_pylist()
        assert first == second == row_hashes(page([one]))[0][0].as_py()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"x": 1}, {"x": "1"}),
        ({"x": 1}, {"x": True}),
        ({"x": [None]}, {"x": []}),
        ({"x": {}}, {}),
        ({"x": Decimal(1)}, {"x": 1}),
        ({"x": Decimal("1E-30")}, {"x": Decimal("1.1E-30")}),
        ({"x": Decimal(10**35)}, {"x": Decimal(10**35 + 1)}),
        ({"x": datetime(2024, 1, 1)}, {"x": datetime(2024, 1, 1, tzinfo=UTC)}),
        ({"x": datetime(2024, 1, 1)}, {"x": "2024-01-01T00:00:00"}),
        ({"x": date(2024, 1, 1)}, {"x": datetime(2024, 1, 1)}),
        ({"x": EXACT}, {"x": float(EXACT)}),
    ],
)
def test_two_rows_have_two_hashes(one: Any, other: Any) -> None:
    first, second = row_hashes(page([one, other]))[0].to_pylist()
    assert first != second


def test_a_page_that_is_a_part_of_another_has_its_own_hashes() -> None:
    found = [{"id": n, "l": [n, None], "d": {"x": n / 3 if n % 2 else None}} for n in range(5)]
    whole, part = row_hashes(page(found)), row_hashes(page(found)[2:4])
    assert [each.to_pylist() for each in part] == [each[2:4].to_pylist() for each in whole]


def test_rows_without_any_field_have_dlts_hash() -> None:
    assert row_hashes(page([{}, {}]))[0].to_pylist() == [dlts_hash({})] * 2


def test_a_key_without_a_value_is_told_with_its_row() -> None:
    with pytest.raises(SourceError, match="row 2 of a page has no value for 'id'"):
        key_hashes({"id": pa.array([1, None])}, 2, "orders")
    with pytest.raises(SourceError, match="row 1 of a page has no value for 'id'"):
        key_hashes({"id": None}, 2, "orders")
