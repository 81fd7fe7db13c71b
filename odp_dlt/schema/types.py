"""dlt's data types and Arrow's: the one table of which is which, in both directions."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType

import pyarrow as pa

from odp_dlt.errors import ConfigError
from odp_dlt.schema.model import Column, DataType

DECIMAL_PRECISION = 38
DECIMAL_SCALE = 9
TIMESTAMP_PRECISION = 6

_UNIT_DIGITS: Mapping[str, int] = MappingProxyType({"s": 0, "ms": 3, "us": 6, "ns": 9})
_WIDEST_DECIMAL = 76


WEI = pa.decimal256(_WIDEST_DECIMAL, 0)
"""What `Wei` values are before they have a column; no other decimals are read as this."""


class Wei(Decimal):
    """A whole number of up to 256 bits, dlt's type for the smallest unit of a currency."""


def arrow_type(column: Column) -> pa.DataType:
    """The Arrow type that holds the values of `column`; ConfigError if it has no data type.

    `wei` is a decimal of 38 digits without fraction, the most that DuckDB holds; dlt's 78 digits
    exist in PostgreSQL only. `json` is its text. Where only the precision of a decimal is given,
    its scale is the usual 9, or the precision if that is less.
    """
    if column.data_type is None:
        raise ConfigError(
            f"column '{column.name}' has no data type, so it cannot hold values",
            hint="Give it a data_type, or load a value that is not null.",
        )
    return _ARROW[column.data_type](column)


def inferred_type(arrow: pa.DataType) -> DataType | None:
    """The data type of a column whose Python values Arrow read as `arrow`.

    Python values carry no precision, scale or width, so there is only the type. None for what is
    not one value (list, struct, map), what has no values (null), and what dlt has no type for.
    """
    if isinstance(arrow, pa.BaseExtensionType):
        return _inferred_extension(arrow)
    if pa.types.is_dictionary(arrow):
        return inferred_type(arrow.value_type)
    if arrow == WEI:
        return "wei"
    for matches, data_type in _INFERRED:
        if matches(arrow):
            return data_type
    return None


def column_from_arrow(field: pa.Field) -> Column | None:
    """The column for a field of an Arrow table that the source itself yielded.

    There the type was somebody's decision and is kept: precision, scale, width, and that a
    timestamp has no zone. Lists and structs are `json`. None for what is in no destination.
    """
    arrow = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_nested(arrow):
        return Column(field.name, "json", field.nullable)
    data_type = inferred_type(arrow)
    if data_type is None:
        return None
    precision, scale, timezone = _decided(arrow)
    return Column(field.name, data_type, field.nullable, precision, scale, timezone)


def _decided(arrow: pa.DataType) -> tuple[int | None, int | None, bool | None]:
    """Precision, scale and zone as far as they differ from what the data type implies."""
    if pa.types.is_timestamp(arrow):
        return _UNIT_DIGITS[arrow.unit], None, False if arrow.tz is None else None
    if pa.types.is_time(arrow):
        return _UNIT_DIGITS[arrow.unit], None, None
    if pa.types.is_decimal(arrow):
        return arrow.precision, arrow.scale, None
    if pa.types.is_integer(arrow) and arrow.bit_width != 64:
        return arrow.bit_width, None, None
    if pa.types.is_fixed_size_binary(arrow):
        return arrow.byte_width, None, None
    return None, None, None


def _inferred_extension(arrow: pa.DataType) -> DataType | None:
    if arrow.extension_name == "arrow.uuid":
        return "text"
    if arrow.extension_name == "arrow.json":
        return "json"
    return inferred_type(arrow.storage_type)


def _integer(column: Column) -> pa.DataType:
    bits = column.precision or 64
    if bits > 64:
        return pa.decimal128(DECIMAL_PRECISION, 0)
    for width, narrow in ((8, pa.int8()), (16, pa.int16()), (32, pa.int32())):
        if bits <= width:
            return narrow
    return pa.int64()


def _decimal(column: Column) -> pa.DataType:
    precision = min(column.precision or DECIMAL_PRECISION, _WIDEST_DECIMAL)
    scale = min(DECIMAL_SCALE, precision) if column.scale is None else column.scale
    if precision <= DECIMAL_PRECISION:
        return pa.decimal128(precision, scale)
    return pa.decimal256(precision, scale)


def _timestamp(column: Column) -> pa.DataType:
    return pa.timestamp(_unit(column), tz=None if column.timezone is False else "UTC")


def _time(column: Column) -> pa.DataType:
    unit = _unit(column)
    return pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)


def _unit(column: Column) -> str:
    digits = TIMESTAMP_PRECISION if column.precision is None else column.precision
    return next((unit for unit, most in _UNIT_DIGITS.items() if digits <= most), "ns")


_ARROW: Mapping[DataType, Callable[[Column], pa.DataType]] = MappingProxyType(
    {
        "text": lambda _: pa.string(),
        "double": lambda _: pa.float64(),
        "bool": lambda _: pa.bool_(),
        "timestamp": _timestamp,
        "bigint": _integer,
        "binary": lambda _: pa.binary(),
        "json": lambda _: pa.string(),
        "decimal": _decimal,
        "wei": lambda _: pa.decimal128(DECIMAL_PRECISION, 0),
        "date": lambda _: pa.date32(),
        "time": _time,
    }
)

_INFERRED: tuple[tuple[Callable[[pa.DataType], bool], DataType], ...] = (
    (pa.types.is_integer, "bigint"),
    (pa.types.is_string, "text"),
    (pa.types.is_large_string, "text"),
    (pa.types.is_string_view, "text"),
    (pa.types.is_floating, "double"),
    (pa.types.is_boolean, "bool"),
    (pa.types.is_timestamp, "timestamp"),
    (pa.types.is_date, "date"),
    (pa.types.is_time, "time"),
    (pa.types.is_decimal, "decimal"),
    (pa.types.is_binary, "binary"),
    (pa.types.is_large_binary, "binary"),
    (pa.types.is_binary_view, "binary"),
    (pa.types.is_fixed_size_binary, "binary"),
)
