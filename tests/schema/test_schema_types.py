"""The table of data types, in both directions."""

import datetime
import decimal
import uuid
from typing import Any

import pyarrow as pa
import pytest

from odp_dlt.errors import ConfigError
from odp_dlt.schema.model import DATA_TYPES, Column, DataType
from odp_dlt.schema.types import arrow_type, column_from_arrow, inferred_type

ARROW: list[tuple[dict[str, Any], pa.DataType]] = [
    ({"data_type": "text"}, pa.string()),
    ({"data_type": "text", "precision": 20}, pa.string()),
    ({"data_type": "double"}, pa.float64()),
    ({"data_type": "bool"}, pa.bool_()),
    ({"data_type": "timestamp"}, pa.timestamp("us", tz="UTC")),
    ({"data_type": "timestamp", "timezone": True}, pa.timestamp("us", tz="UTC")),
    ({"data_type": "timestamp", "timezone": False}, pa.timestamp("us")),
    ({"data_type": "timestamp", "precision": 0}, pa.timestamp("s", tz="UTC")),
    ({"data_type": "timestamp", "precision": 3, "timezone": False}, pa.timestamp("ms")),
    ({"data_type": "timestamp", "precision": 9}, pa.timestamp("ns", tz="UTC")),
    ({"data_type": "bigint"}, pa.int64()),
    ({"data_type": "bigint", "precision": 8}, pa.int8()),
    ({"data_type": "bigint", "precision": 16}, pa.int16()),
    ({"data_type": "bigint", "precision": 32}, pa.int32()),
    ({"data_type": "bigint", "precision": 64}, pa.int64()),
    ({"data_type": "bigint", "precision": 128}, pa.decimal128(38, 0)),
    ({"data_type": "binary"}, pa.binary()),
    ({"data_type": "json"}, pa.string()),
    ({"data_type": "decimal"}, pa.decimal128(38, 9)),
    ({"data_type": "decimal", "precision": 10, "scale": 2}, pa.decimal128(10, 2)),
    ({"data_type": "decimal", "precision": 10}, pa.decimal128(10, 9)),
    ({"data_type": "decimal", "precision": 5}, pa.decimal128(5, 5)),
    ({"data_type": "decimal", "precision": 10, "scale": 0}, pa.decimal128(10, 0)),
    ({"data_type": "decimal", "precision": 76, "scale": 10}, pa.decimal256(76, 10)),
    ({"data_type": "wei"}, pa.decimal128(38, 0)),
    ({"data_type": "date"}, pa.date32()),
    ({"data_type": "time"}, pa.time64("us")),
    ({"data_type": "time", "precision": 3}, pa.time32("ms")),
]

VALUES: list[tuple[object, DataType]] = [
    (1, "bigint"),
    (1.5, "double"),
    (True, "bool"),
    ("a", "text"),
    (datetime.datetime(2024, 1, 2), "timestamp"),
    (datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC), "timestamp"),
    (datetime.date(2024, 1, 2), "date"),
    (datetime.time(1, 2), "time"),
    (decimal.Decimal("1.25"), "decimal"),
    (b"a", "binary"),
]


@pytest.mark.parametrize(("said", "expected"), ARROW)
def test_a_column_is_held_by_its_arrow_type(said: dict[str, Any], expected: pa.DataType) -> None:
    assert arrow_type(Column("c", **said)) == expected


@pytest.mark.parametrize("data_type", DATA_TYPES)
def test_every_data_type_has_an_arrow_type(data_type: DataType) -> None:
    assert isinstance(arrow_type(Column("c", data_type)), pa.DataType)


def test_a_column_without_a_type_holds_nothing() -> None:
    with pytest.raises(ConfigError, match="'never_seen'"):
        arrow_type(Column("never_seen"))


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_python_values_have_dlts_type(value: object, expected: DataType) -> None:
    assert inferred_type(pa.array([value, None]).type) == expected


@pytest.mark.parametrize(
    ("arrow", "expected"),
    [
        (pa.large_string(), "text"),
        (pa.string_view(), "text"),
        (pa.dictionary(pa.int32(), pa.string()), "text"),
        (pa.uuid(), "text"),
        (pa.array([uuid.uuid4()], type=pa.uuid()).type, "text"),
        (pa.json_(), "json"),
        (pa.binary(16), "binary"),
        (pa.decimal256(60, 3), "decimal"),
    ],
)
def test_other_arrow_types_of_one_value_are_known(arrow: pa.DataType, expected: DataType) -> None:
    assert inferred_type(arrow) == expected


@pytest.mark.parametrize(
    "arrow",
    [
        pa.null(),
        pa.duration("us"),
        pa.struct([("a", pa.int64())]),
        pa.list_(pa.int64()),
        pa.map_(pa.string(), pa.int64()),
        pa.month_day_nano_interval(),
    ],
)
def test_what_is_not_one_value_has_no_type(arrow: pa.DataType) -> None:
    assert inferred_type(arrow) is None


@pytest.mark.parametrize(
    "arrow",
    [
        pa.int8(),
        pa.int32(),
        pa.int64(),
        pa.uint64(),
        pa.float32(),
        pa.bool_(),
        pa.large_string(),
        pa.dictionary(pa.int8(), pa.string()),
        pa.timestamp("s"),
        pa.timestamp("ms", tz="Europe/Warsaw"),
        pa.timestamp("us"),
        pa.timestamp("ns", tz="UTC"),
        pa.date32(),
        pa.date64(),
        pa.time32("ms"),
        pa.time64("us"),
        pa.decimal128(10, 2),
        pa.decimal256(60, 3),
        pa.binary(),
        pa.binary(16),
        pa.large_binary(),
    ],
)
def test_a_field_of_an_arrow_table_becomes_the_column_that_dlt_makes(arrow: pa.DataType) -> None:
    from dlt.common.libs.pyarrow import py_arrow_to_table_schema_columns

    said: Any = py_arrow_to_table_schema_columns(pa.schema([pa.field("c", arrow, nullable=False)]))[
        "c"
    ]

    assert column_from_arrow(pa.field("c", arrow, nullable=False)) == Column(**said)


def test_nested_arrow_fields_are_json_and_valueless_ones_are_dropped() -> None:
    column = column_from_arrow(pa.field("c", pa.list_(pa.int64())))

    assert column == Column("c", "json", nullable=True)
    assert column_from_arrow(pa.field("c", pa.null())) is None
