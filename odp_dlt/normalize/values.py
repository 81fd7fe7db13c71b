"""One value of one type as a value of another: dlt's rules of coercion, value by value.

The rules were measured on dlt 1.31. They are asked only for values whose type differs from the one
that their column has already, and only where no rule for whole columns applies.
"""

import base64
import binascii
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from odp_dlt.normalize.moments import parsed
from odp_dlt.schema.model import DataType

_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})


class Misfit(ValueError):  # noqa: N818 - a verdict, not a failure; caught beside the call
    """The value cannot be one of the type asked for."""


def as_type(value: Any, data_type: DataType) -> Any:
    """`value` as the Python value of `data_type`; Misfit where dlt would make a variant."""
    return _RULES[data_type](value)


def text(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)


def bigint(value: Any) -> int:
    if isinstance(value, bool):
        raise Misfit
    if isinstance(value, int):
        return _in_64_bits(value)
    if isinstance(value, float | Decimal):
        if not math.isfinite(value) or value != int(value):
            raise Misfit
        return _in_64_bits(int(value))
    if isinstance(value, str):
        return _in_64_bits(_parsed(lambda: int(value.strip(), 16 if _is_hex(value) else 10)))
    raise Misfit


def double(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise Misfit
    if isinstance(value, str) and _is_hex(value):
        return float(int(value, 16))
    return float(_parsed(lambda: float(value)))


def boolean(value: Any) -> bool:
    if isinstance(value, str):
        if value.lower() in _TRUE:
            return True
        if value.lower() in _FALSE:
            return False
        raise Misfit
    if isinstance(value, bool | int | float) or (isinstance(value, Decimal) and value.is_finite()):
        return bool(value)
    raise Misfit


def timestamp(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    found = parsed(value) if isinstance(value, str) else None
    if found is None:
        return _epoch(_parsed(lambda: float(value)) if isinstance(value, str) else value)
    if isinstance(found, time):
        raise Misfit
    moment = found if isinstance(found, datetime) else datetime.combine(found, time())
    return _in_utc(moment)


def day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return timestamp(value).astimezone(UTC).date()


def clock(value: Any) -> time:
    if isinstance(value, time):
        return value.replace(tzinfo=None)
    if isinstance(value, str):
        found = parsed(value)
        if isinstance(found, time):
            return _in_utc(datetime.combine(date(1970, 1, 1), found)).time()
    raise Misfit


def decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise Misfit
    if isinstance(value, str) and _is_hex(value):
        return Decimal(int(value, 16))
    found: Decimal = _parsed(lambda: Decimal(str(value).strip()))
    if not found.is_finite():
        raise Misfit
    return found


def wei(value: Any) -> Decimal:
    found = decimal(value)
    if found != found.to_integral_value():
        raise Misfit
    return found


def binary(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise Misfit
        return value.to_bytes((value.bit_length() + 7) // 8, "little")
    if not isinstance(value, str):
        raise Misfit
    if value.startswith("0x"):
        return bytes(_parsed(lambda: bytes.fromhex(value[2:])))
    return bytes(_parsed(lambda: base64.b64decode(value, validate=True)))


def json(value: Any) -> str:
    """Text that is JSON, in its compact form; nested values come as such and are not asked for."""
    if not isinstance(value, str):
        raise Misfit
    return orjson.dumps(_parsed(lambda: orjson.loads(value))).decode()


def _in_64_bits(value: int) -> int:
    if -(2**63) <= value < 2**63:
        return value
    raise Misfit


def _is_hex(value: str) -> bool:
    return value.strip().startswith("0x")


def _parsed(parse: Callable[[], Any]) -> Any:
    try:
        return parse()
    except (ValueError, OverflowError, InvalidOperation, binascii.Error) as e:
        raise Misfit from e


def _in_utc(moment: datetime) -> datetime:
    """What says no zone is UTC already."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError as e:
        raise Misfit from e


def _epoch(value: Any) -> datetime:
    """Seconds since 1970; milliseconds are beyond the year 9999 and no timestamp, as in dlt."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Misfit
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as e:
        raise Misfit from e


_RULES: Mapping[DataType, Callable[[Any], Any]] = {
    "text": text,
    "bigint": bigint,
    "double": double,
    "bool": boolean,
    "timestamp": timestamp,
    "date": day,
    "time": clock,
    "decimal": decimal,
    "wei": wei,
    "binary": binary,
    "json": json,
}
