"""What one Python value becomes: its column's type, or no column at all."""

import collections
import dataclasses
import datetime as dt
import enum
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pendulum
import pydantic
import pytest

from odp_dlt.schema.types import Wei
from tests.compat.oracle import Both, Case, by_both, case, hold, refuses

UTC = dt.UTC
PLUS_2 = dt.timezone(dt.timedelta(hours=2))


class Letter(enum.Enum):
    A = "a"


class Number(enum.Enum):
    TWO = 2


class LetterText(str, enum.Enum):  # noqa: UP042 - the older way, which people still have
    A = "a"


class NumberInt(enum.IntEnum):
    TWO = 2


class Pair(NamedTuple):
    p: int
    q: int


@dataclasses.dataclass
class Point:
    p: int
    q: str


class Model(pydantic.BaseModel):
    p: int
    q: str


class OwnDict(dict[str, Any]):
    """A dict of the user's own class."""


VALUES: dict[str, Any] = {
    "int": 1,
    "int_largest": 2**63 - 1,
    "int_least": -(2**63),
    "float": 1.5,
    "float_integral": 2.0,
    "float_large": 1e308,
    "bool": True,
    "text_empty": "",
    "text_null": "null",
    "text_int": "123",
    "text_float": "1.5",
    "text_true": "true",
    "text_json": '{"a":1}',
    "datetime_naive": dt.datetime(2024, 1, 2, 3, 4, 5, 678),
    "datetime_aware": dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=PLUS_2),
    "datetime_pendulum": pendulum.datetime(2024, 1, 2, 3, 4, 5),
    "date": dt.date(2024, 1, 2),
    "date_pendulum": pendulum.date(2024, 1, 2),
    "time": dt.time(3, 4, 5, 6),
    "time_zone": dt.time(3, 4, 5, tzinfo=PLUS_2),
    "time_pendulum": pendulum.time(1, 2, 3),
    "decimal": Decimal("1.50"),
    "decimal_nine_places": Decimal("1.123456789"),
    "decimal_integral": Decimal(7),
    "wei": Wei(9),
    "binary": b"hi",
    "uuid": uuid.UUID(int=5),
    "enum_text": Letter.A,
    "enum_int": Number.TWO,
    "enum_str": LetterText.A,
    "enum_intenum": NumberInt.TWO,
    "none": None,
    "dict_empty": {},
    "list_empty": [],
    "dict": {"a": 1},
    "dict_own": OwnDict(a=1),
    "dict_ordered": collections.OrderedDict(a=1),
    "dict_default": collections.defaultdict(int, a=1),
    "named_tuple": Pair(1, 2),
    "named_tuples": [Pair(1, 2), Pair(3, 4)],
    "dataclass": Point(1, "x"),
    "model": Model(p=1, q="x"),
    "list": [1, 2],
    "tuple": (1, 2),
    "numpy_text": np.str_("x"),
    "list_of_dates": {"a": [dt.date(2024, 1, 1)]},
}

TIMESTAMPS = [
    *("2024-01-02T03:04:05Z", "2024-01-02T03:04:05.123Z", "2024-01-02T03:04:05.123456Z"),
    *("2024-01-02T03:04:05.123456789Z", "2024-01-02T03:04:05,123Z", "2024-01-02T03:04:05.1Z"),
    *("2024-01-02T03:04:05+02:00", "2024-01-02T03:04:05+0200", "2024-01-02T03:04:05+02"),
    *("2024-01-02T03:04:05", "2024-01-02 03:04:05", "2024-01-02 03:04:05+02:00"),
    *("2024-01-02T03:04Z", "2024-01-02T03:04", "2024-01-02 03:04", "2024-01-02T03Z"),
    *("2024-01-02T03", "20240102T030405Z", "20240102T0304", "20240102T03", "20240102T03:04"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1969-12-31T23:59:59.999999Z"),
    *("2024-W01-2T03:04:05Z", "2024-002T03:04:05Z", "2024-01-02T03:04:05.123456789123Z"),
    *("2024-01-02T03:04:05-00:30", "2024-01-02T03:04:05+14:00", "2024/01/02 03:04"),
]
TEXTS = [
    *("2024-01-02t03:04:05z", "2024-01-02T03:04:05z", " 2024-01-02T03:04:05Z", "2024-01-02"),
    *("2024-01-02T03:04:05Z ", "2024-01-02T03:04:05Z\n", "20240102", "2024-01", "2024", "2024-002"),
    *("2024-W01-2", "03:04:05", "03:04:05Z", "T03:04:05", "2024-01-02T24:00:00Z"),
    *("2024-13-02T03:04:05Z", "2024-02-30T03:04:05Z", "12024-01-02T03:04:05Z", "P1D", "PT5M"),
    *("2024-01-02/2024-01-03", "2024-01-02T00:00:00Z/2024-01-03T00:00:00Z", "01/02/2024"),
    *("Tue, 02 Jan 2024 03:04:05 GMT", "1704164645", "1704164645.5", "2024-01-02T0304"),
    *("2024-01-02T030405Z", "20240102T03:04:05Z", "2024-01-02T03:04:05.Z", "2024-01-02T03:04.5Z"),
    *("2024-01-02T03:04:60Z", "2024-1-2T03:04:05Z", "2024-01-02T3:4:5", "0000-01-01T00:00:00Z"),
    *("2024-01-02T03:04:05UTC", "2024-01-02  03:04:05", "2024-01-02 03:04:05 +0200"),
    *("2024-01-02T03:04:05+02:00:30", "\uff12\uff10\uff12\uff14-01-02T03:04:05Z"),
]

ALL_NULL = [
    case("null_alone", {"id": 1, "x": None}),
    Case("null_then_value", [[[{"id": 1, "x": None}], [{"id": 2, "x": 5}]]]),
    Case("null_then_value_in_a_run", [[[{"id": 1, "x": None}]], [[{"id": 2, "x": "a"}]]]),
    case("null_in_dict", {"id": 1, "x": {"a": None, "b": {}}}),
    case("null_declared", {"id": 1, "x": None}, hints={"columns": {"x": {"data_type": "text"}}}),
    case("null_declared_alone", {"id": 1}, hints={"columns": {"x": {"data_type": "bigint"}}}),
    case("null_untyped", {"id": 1}, hints={"columns": {"x": {"description": "what it is"}}}),
    case("null_list", {"id": 1, "l": [None, None]}),
    case("null_in_list_of_dicts", {"id": 1, "l": [None, {"y": 1}]}),
    case("null_row", {}),
    case("null_rows", {}, {"a": 1}, {}),
    Case("null_no_page", [[]]),
    Case("null_no_rows", [[[]]], differs="empty pages", ours={}),
    case("scalars", 1, 2, "a"),
]

FAILING = [
    case(
        "sets",
        {"x": {3, 1, 2}},
        differs="values that dlt cannot write",
        ours={"sets": [{}], "sets__x": [{"value": 1}, {"value": 2}, {"value": 3}]},
        dlt_fails=True,
    ),
    case(
        "durations",
        {"x": dt.timedelta(minutes=1, milliseconds=500)},
        differs="values that dlt cannot write",
        ours={"durations": [{"x": 60.5}]},
        dlt_fails=True,
    ),
    case(
        "numpy",
        {"a": np.int64(5), "b": np.float64(2.5), "c": np.bool_(True), "d": np.array([1, 2])},
        differs="values that dlt cannot write",
        ours={"numpy": [{"a": 5, "b": 2.5, "c": True}], "numpy__d": [{"value": 1}, {"value": 2}]},
        dlt_fails=True,
    ),
    case(
        "numpy_moment",
        {"a": np.datetime64("2024-01-02T03:04:05", "ns"), "b": np.timedelta64(5, "s")},
        differs="values that dlt cannot write",
        ours={"numpy_moment": [{"a": "2024-01-02 03:04:05+00", "b": 5.0}]},
        dlt_fails=True,
    ),
    case(
        "bytearrays",
        {"a": bytearray(b"hi"), "c": Path("a/b")},
        differs="values that dlt cannot write",
        ours={"bytearrays": [{"a": b"hi", "c": "a/b"}]},
        dlt_fails=True,
    ),
    case(
        "wide",
        {"a": 2**64},
        differs="integers beyond 64 bits",
        ours={"wide": [{"a": Decimal(2**64)}]},
        dlt_fails=True,
    ),
    case(
        "just_wide",
        {"a": 2**63},
        differs="integers beyond 64 bits",
        ours={"just_wide": [{"a": Decimal(2**63)}]},
        dlt_fails=True,
    ),
    case(
        "widest",
        {"a": -(2**200)},
        differs="integers beyond 64 bits",
        ours={"widest": [{"a__v_text": str(-(2**200))}]},
        dlt_fails=True,
    ),
    case(
        "decimal_nan",
        {"a": Decimal("NaN")},
        differs="decimals that are no numbers",
        ours={"decimal_nan": [{"a": "NaN"}]},
        dlt_fails=True,
    ),
    case(
        "decimal_wide",
        {"a": Decimal("1E+40")},
        differs="decimals that are no numbers",
        ours={"decimal_wide": [{"a__v_text": "1" + "0" * 40}]},
        dlt_fails=True,
    ),
    case(
        "surrogate",
        {"a": "x\udc80y"},
        differs="lone surrogates",
        ours={"surrogate": [{"a": "x\\udc80y"}]},
        dlt_fails=True,
    ),
    case(
        "early",
        {"a": "0001-01-01T00:00:00+05:00"},
        differs="moments beyond the calendar",
        ours={"early": [{"a": "0001-01-01T00:00:00+05:00"}]},
        dlt_fails=True,
    ),
]

DIFFERING = [
    case(
        "infinite",
        {"x": 1.5},
        {"x": float("inf")},
        {"x": float("-inf")},
        differs="not a number, infinity",
        ours={"infinite": [{"x": 1.5}, {"x": float("inf")}, {"x": float("-inf")}]},
    ),
    case("nan_alone", {"id": 1, "x": float("nan")}, differs="not a number, infinity"),
    case("zero", {"x": -0.0}, differs="negative zero"),
    case("nul_char", {"x": "a\0b"}, differs="NUL characters", ours={"nul_char": [{"x": "a\0b"}]}),
    case(
        "digits",
        {"x": Decimal("1.5")},
        {"x": Decimal("1.0123456789")},
        differs="rounded decimals",
        ours={"digits": [{"x": Decimal("1.5")}, {"x__v_text": "1.0123456789"}]},
    ),
]

CASES = [
    *(case(f"v_{name}", {"id": 1, "x": value}) for name, value in VALUES.items()),
    case("timestamps", {f"t{n}": text for n, text in enumerate(TIMESTAMPS)}),
    case("texts", {f"t{n}": text for n, text in enumerate(TEXTS)}),
    *ALL_NULL,
    *DIFFERING,
    *FAILING,
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    return by_both(CASES, tmp_path_factory.mktemp("values"))


@pytest.mark.parametrize("each", CASES, ids=lambda each: each.name)
def test_a_value_becomes_what_dlt_makes_of_it(each: Case, both: Both) -> None:
    hold(each, both)


def test_what_counts_as_a_timestamp_is_known(both: Both) -> None:
    dlts, _ = both
    kinds = {kind for name, kind, _ in dlts["timestamps"].columns if name[0] == "t"}
    assert kinds == {"TIMESTAMP WITH TIME ZONE"}
    assert {kind for name, kind, _ in dlts["texts"].columns if name[0] == "t"} == {"VARCHAR"}


@pytest.mark.parametrize("each", FAILING, ids=lambda each: each.name)
def test_dlt_still_fails_on_it(each: Case, tmp_path: Path) -> None:
    assert refuses(each, tmp_path)


def test_nan_stays_nan(both: Both) -> None:
    _, ours = both
    (row,) = ours["nan_alone"].rows
    assert row["x"] != row["x"]
