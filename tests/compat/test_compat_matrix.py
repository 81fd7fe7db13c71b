"""A second value of another type in a column of every type: coerced, or to which variant column."""

import datetime as dt
import enum
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from odp_dlt.pipeline.gather import FIRST_ROWS
from odp_dlt.schema.types import Wei
from tests.compat.differences import DIFFERENCES
from tests.compat.oracle import Both, Case, Table, by_both, by_ours, case, plain_rows

UTC = dt.UTC
PLUS_2 = dt.timezone(dt.timedelta(hours=2))


class Letter(enum.Enum):
    A = "a"


class Number(enum.Enum):
    TWO = 2


FIRST: dict[str, Any] = {
    "bigint": 1,
    "double": 0.5,
    "bool": False,
    "text": "x",
    "timestamp": dt.datetime(2020, 1, 1, tzinfo=UTC),
    "date": dt.date(2020, 1, 1),
    "time": dt.time(1),
    "decimal": Decimal("0.5"),
    "binary": b"x",
    "wei": Wei(1),
}
USUAL: list[Any] = [
    *(3, 1.5, 2.0, True, "abc", "12", "1.25", "true", "", "2024-01-02T03:04:05Z", "2024-01-02"),
    *("03:04:05", dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC), dt.date(2024, 7, 8)),
    *(dt.time(1, 2, 3), Decimal("2.50"), Decimal(7), b"hi", Wei(9)),
]
UNUSUAL: list[Any] = [
    *(False, -3, 0, 255, 256, 65536, 2**62 + 1, -(2**63), 1e20, 1e300, -0.5, 0.1, 1e15),
    *(123456789012.5, 1700000000, 1700000000000, 1.7e12, Decimal("1E+3"), Decimal("0.1")),
    *(Decimal("-1.5"), Decimal("12345678901234567890.123"), " 12 ", "0x1F", "0XFF", "-5", "+5"),
    *("1_000", "1e5", "nan", "inf", "٣", "f", "YES", "n", "aGk=", "aGk", "0x6869", "0xzz"),
    *('{"a":1}', "1.0", " 1.5 ", "12345678901234567890", "\u00e9", "1", " ", "tRUE", "y", "0"),
    dt.datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=PLUS_2),
    *(dt.datetime(2024, 5, 6, 23, 8, 9), dt.datetime(2024, 5, 6, 1, 8, 9, tzinfo=PLUS_2)),
    *(dt.time(1, 2, 3, 4, tzinfo=PLUS_2), dt.time(1, 2, 3, 500000)),
    *(uuid.UUID("12345678-1234-5678-1234-567812345678"), Letter.A, Number.TWO),
    *("03:04", "03:04:05.5", "03:04:05+02:00", "03:04:05Z", "T03:04", "T03:04:05", "030405"),
    *("3:4:5", "24:00:00", "2024", "2024-02", "2024/01/15", "20240102", "2024-002", "2024-W01-2"),
    *("2024-01-02T23:30:00-02:00", "2024-01-02 03:04", "2024-01-02T0304", "20240102T030405Z"),
    *("2024-01-02T03:04:05.123456789Z", " 2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z\n"),
    *("1700000000", "1700000000000", "1700000000.5", "-1.5", "0001-01-01T00:00:00+05:00"),
]

# Who differs, as (column type, repr of the value): the rest of the table agrees.
VARIANT_TIMES = (
    *("'2024-01-02T03:04:05Z'", "'2024-01-02T23:30:00-02:00'", "'2024-01-02 03:04'"),
    *("'20240102T030405Z'", "'2024-01-02T03:04:05.123456789Z'"),
)
FRACTIONS = (
    *("1.5", "'1.25'", "Decimal('2.50')", "-0.5", "0.1", "123456789012.5", "Decimal('0.1')"),
    *("Decimal('-1.5')", "Decimal('12345678901234567890.123')", "' 1.5 '", "'1700000000.5'"),
    "'-1.5'",
)
NO_MOMENT = "'0001-01-01T00:00:00+05:00'"
DIFFERS: dict[tuple[str, str], str] = {
    **{
        (column, text): "timestamp text in a variant column"
        for column in FIRST
        for text in VARIANT_TIMES
        if column not in ("text", "timestamp", "date")
        and (column, text) != ("binary", "'20240102T030405Z'")  # which is base64
    },
    **{("wei", value): "rounded decimals" for value in FRACTIONS},
    ("bigint", "1e+300"): "numbers too large for their column",
    ("decimal", "1e+20"): "decimals from large floats",
    ("text", "Decimal('1E+3')"): "exponents of decimals in text",
    ("text", repr(dt.time(1, 2, 3, 4, tzinfo=PLUS_2))): "the zone of a time in text",
}
# dlt fails on these.
FAILS: dict[tuple[str, str], str] = {
    **{(column, NO_MOMENT): "moments beyond the calendar" for column in FIRST if column != "text"},
    **{("double", text): "not a number, infinity" for text in ("'nan'", "'inf'")},
    **{
        (column, value): "decimals that are no numbers"
        for column in ("decimal", "wei")
        for value in ("1e+300", "'nan'", "'inf'")
    },
    ("bigint", "1e+20"): "numbers too large for their column",
    ("bigint", "'12345678901234567890'"): "numbers too large for their column",
    **{
        (column, value): "moments beyond the calendar"
        for column in ("timestamp", "date")
        for value in ("4611686018427387905", "-9223372036854775808")
    },
}


def cells(column: str, values: list[Any]) -> dict[str, Any]:
    """The second value by the name of the column that it is for."""
    return {
        f"c{place:03d}": value
        for place, value in enumerate(values)
        if (column, repr(value)) not in FAILS
    }


def cases(values: list[Any], how: str) -> Iterator[Case]:
    for column, first in FIRST.items():
        second = cells(column, values)
        rows = dict.fromkeys(second, first)
        runs = {
            "page": [[[rows, second]]],
            "pages": [[[rows] * FIRST_ROWS, [second]]],
            "runs": [[[rows]], [[second]]],
        }
        yield Case(column, runs[how])


def cell(table: Table, name: str, row: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The columns of one field that have a value in `row`, with their types."""
    return [
        (column, kind, row[column])
        for column, kind, _ in table.columns
        if column.split("__")[0] == name and row[column] is not None
    ]


def second_row(table: Table) -> dict[str, Any]:
    """The one row whose values are not all alike."""
    (found,) = (
        row
        for row in table.rows
        if len({repr(v) for k, v in row.items() if v is not None and k[0] == "c"}) > 1
    )
    return found


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Both]:
    values = {"page": USUAL + UNUSUAL, "pages": USUAL, "runs": USUAL + UNUSUAL}
    return {
        how: by_both(list(cases(values[how], how)), tmp_path_factory.mktemp(how)) for how in values
    }


@pytest.mark.parametrize("how", ["page", "pages", "runs"])
@pytest.mark.parametrize("column", FIRST)
def test_a_second_value_goes_where_dlt_puts_it(
    both: dict[str, Both], column: str, how: str
) -> None:
    theirs, mine = (dataset[column] for dataset in both[how])
    their_row, my_row = second_row(theirs), second_row(mine)
    values = USUAL if how == "pages" else USUAL + UNUSUAL
    agreed = set()
    for name, value in cells(column, values).items():
        dlts, ours = cell(theirs, name, their_row), cell(mine, name, my_row)
        difference = DIFFERS.get((column, repr(value)))
        if difference is None:
            assert repr(dlts) == repr(ours), f"{value!r} into {column}"
            agreed.add(name)
        else:
            assert difference in DIFFERENCES
            assert repr(dlts) != repr(ours), f"{value!r} into {column} differs no more"
    assert [c for c in theirs.columns if c[0].split("__")[0] in agreed] == [
        c for c in mine.columns if c[0].split("__")[0] in agreed
    ]


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("bigint", 1e300, {"x__v_double": 1e300}),
        ("bigint", 1e20, {"x__v_double": 1e20}),
        ("bigint", "12345678901234567890", {"x__v_text": "12345678901234567890"}),
        ("bigint", 2**70, {"x__v_decimal": Decimal(2**70)}),
        ("bigint", 2**200, {"x__v_text": str(2**200)}),
        ("bigint", NO_MOMENT[1:-1], {"x__v_text": NO_MOMENT[1:-1]}),
        ("double", "inf", {"x": float("inf")}),
        ("decimal", Decimal("0.1234567891"), {"x__v_text": "0.1234567891"}),
        ("decimal", Decimal("NaN"), {"x__v_text": "NaN"}),
        ("decimal", 1 / 3, {"x__v_double": 1 / 3}),
        ("decimal", 1e300, {"x__v_double": 1e300}),
        ("decimal", "nan", {"x__v_text": "nan"}),
        ("wei", Decimal("2.50"), {"x__v_decimal": Decimal("2.50")}),
        ("wei", 1.5, {"x__v_double": 1.5}),
        ("timestamp", 2**62, {"x__v_bigint": 2**62}),
        ("date", 2**62, {"x__v_bigint": 2**62}),
        ("bool", "2024-01-02T03:04:05Z", {"x__v_text": "2024-01-02T03:04:05Z"}),
    ],
)
def test_where_dlt_loses_a_value_or_fails_it_is_kept_as_it_is(
    tmp_path: Path, column: str, value: Any, expected: dict[str, Any]
) -> None:
    loaded = by_ours([case("t", {"x": FIRST[column]}, {"x": value})], tmp_path)
    rows = plain_rows(loaded)["t"]
    assert [row for row in rows if row == expected], rows
