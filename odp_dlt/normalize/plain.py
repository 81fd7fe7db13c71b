"""Python values of classes that no column has, as values that one has."""

import base64
import dataclasses
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

import orjson

from odp_dlt.errors import SourceError


def plain(value: Any, path: str) -> Any:
    """`value` as a dict, a list or a scalar; SourceError that names `path` if it can be none.

    Durations become seconds; sets become lists, in order where their items have one.
    """
    convert = _conversion(value)
    converted = value if convert is None else convert(value)
    if type(converted) is type(value):
        raise SourceError(
            f"a value of type {type(value).__module__}.{type(value).__qualname__} cannot be loaded",
            at=path,
            hint="Turn it into text, a number, a date, a dict or a list before you yield it.",
        )
    return converted


def _conversion(value: Any) -> Callable[[Any], Any] | None:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields
    if hasattr(value, "model_dump"):
        return _model
    if hasattr(value, "_asdict"):
        return _named
    if hasattr(value, "item") and hasattr(value, "dtype") and getattr(value, "ndim", None) == 0:
        return _numpy_scalar
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        return _numpy_array
    return next((convert for kind, convert in _CLASSES.items() if isinstance(value, kind)), None)


def _fields(value: Any) -> dict[str, Any]:
    return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}


def _model(value: Any) -> Any:
    return value.model_dump(by_alias=True)


def _named(value: Any) -> Any:
    return value._asdict()


def _numpy_scalar(value: Any) -> Any:
    if value.dtype.kind in "mM":  # of nanoseconds, `item` would be a bare number
        return value.astype(f"{value.dtype.kind}8[us]").item()
    return value.item()


def _numpy_array(value: Any) -> Any:
    return value.tolist()


def _sorted(value: Any) -> list[Any]:
    try:
        return sorted(value)
    except TypeError:  # items without an order among them
        return list(value)


_CLASSES: dict[type, Callable[[Any], Any]] = {
    Enum: lambda v: v.value,
    UUID: str,
    set: _sorted,
    frozenset: _sorted,
    timedelta: timedelta.total_seconds,
    PurePath: str,
    range: list,
    int: int,
    float: float,
}


def key_text(key: Any) -> str:
    """A key that is no string, spelled as JSON would: 1, true, null."""
    if isinstance(key, bytes):
        return key.decode("utf-8", "backslashreplace")
    if isinstance(key, str):
        return str(key)
    return json_text(key).strip('"')


def json_text(value: Any) -> str:
    """`value` as compact JSON, with what JSON lacks spelled as dlt spells it."""
    try:
        return orjson.dumps(value, _json_default, orjson.OPT_NON_STR_KEYS).decode()
    except TypeError as e:
        if isinstance(e.__cause__, SourceError):
            raise e.__cause__ from None
        raise SourceError(f"a value cannot be written as JSON: {e}") from e


def _json_default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, int):  # beyond 64 bits
        return str(value)
    return plain(value, "")
