"""One value as another data type, for sources that convert by themselves."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from types import MappingProxyType
from typing import Any

import orjson

from odp_dlt.normalize.moments import parsed
from odp_dlt.normalize.values import as_type
from odp_dlt.schema.model import DATA_TYPES, DataType
from odp_dlt.schema.types import Wei

_NUMBERS = frozenset({"bigint", "double", "decimal", "wei"})
_FROM: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "text": frozenset(DATA_TYPES),
        "binary": frozenset({"text", "bigint"}),
        **{number: _NUMBERS | {"text"} for number in _NUMBERS},
        "bool": _NUMBERS | {"text"},
        "json": frozenset({"text"}),
        "timestamp": frozenset({"text", "bigint", "double", "date"}),
        "date": frozenset({"text", "timestamp", "bigint", "double"}),
        "time": frozenset({"text"}),
    }
)


def coerce_value(to_type: DataType, from_type: DataType, value: Any) -> Any:
    """`value`, which is of the type `from_type`, as a value of `to_type`: dlt's rules.

    ValueError if it cannot be one. JSON is read, or written as text.
    """
    plain = value.value if isinstance(value, Enum) else value
    if to_type == from_type:
        return plain
    if from_type not in _FROM[to_type]:
        raise ValueError(f"a {from_type} cannot become a {to_type}: {value!r}")
    if to_type == "json":
        return orjson.loads(plain)
    if from_type == "json":
        return orjson.dumps(plain).decode()
    if to_type == "wei":
        return Wei(as_type(plain, "decimal"))
    coerced = as_type(plain, to_type)
    said_no_zone = isinstance(coerced, datetime) and _is_local(plain)
    return coerced.replace(tzinfo=None) if said_no_zone else coerced


def _is_local(value: Any) -> bool:
    """Whether a day, a moment or its text says no zone; dlt then gives a moment without one."""
    found = parsed(value) if isinstance(value, str) else value
    return isinstance(found, date) and getattr(found, "tzinfo", None) is None
