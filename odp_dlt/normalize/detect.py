"""The type of a new column by its first value, as the detections of a schema's settings have it."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from odp_dlt.normalize.moments import is_timestamp, parsed
from odp_dlt.schema.model import DataType

_NEAR_S = 5 * 365 * 24 * 3600
_LARGEST_WEI = 578960446186580977117854925043439539266


def detected(value: Any, data_type: DataType, detections: Sequence[str]) -> DataType:
    """The type of a new column whose first value is `value`; `data_type` if no rule fits it."""
    for name in detections:
        found = _RULES[name](value, data_type) if name in _RULES else None
        if found is not None:
            return found
    return data_type


def _moment_in_seconds(value: Any, _: DataType) -> DataType | None:
    """A number of seconds that is not more than five years from now."""
    if type(value) not in (int, float):
        return None
    return "timestamp" if abs(value - time.time()) <= _NEAR_S else None


def _moment_in_text(value: Any, data_type: DataType) -> DataType | None:
    return "timestamp" if data_type == "text" and is_timestamp(value) else None


def _day_in_text(value: Any, data_type: DataType) -> DataType | None:
    if data_type != "text":
        return None
    found = parsed(value)
    return "date" if isinstance(found, date) and not isinstance(found, datetime) else None


def _large_integer(value: Any, _: DataType) -> DataType | None:
    """Integers beyond 64 bits come as decimals without a fraction."""
    if not isinstance(value, Decimal) or value != value.to_integral_value() or value < 2**63:
        return None
    return "text" if value > _LARGEST_WEI else "wei"


def _wei_as_double(_: Any, data_type: DataType) -> DataType | None:
    return "double" if data_type == "wei" else None


_RULES: Mapping[str, Callable[[Any, DataType], DataType | None]] = MappingProxyType(
    {
        "timestamp": _moment_in_seconds,
        "iso_timestamp": _moment_in_text,
        "iso_date": _day_in_text,
        "large_integer": _large_integer,
        "wei_to_double": _wei_as_double,
    }
)
