"""JSON for sources: compact, with dates, decimals, bytes and UUIDs as text."""

import base64
from decimal import Decimal
from typing import IO, Any

import orjson


def dumps(value: Any, sort_keys: bool = False, pretty: bool = False) -> str:
    """`value` as JSON text."""
    return dumpb(value, sort_keys, pretty).decode()


def dumpb(value: Any, sort_keys: bool = False, pretty: bool = False) -> bytes:
    """`value` as JSON in UTF-8. TypeError for what has no JSON."""
    options = orjson.OPT_NON_STR_KEYS
    options |= orjson.OPT_SORT_KEYS if sort_keys else 0
    options |= orjson.OPT_INDENT_2 if pretty else 0
    return orjson.dumps(value, default=_plain, option=options)


def dump(value: Any, file: IO[bytes], sort_keys: bool = False, pretty: bool = False) -> None:
    """Write `value` to a binary file."""
    file.write(dumpb(value, sort_keys, pretty))


def loads(text: str | bytes) -> Any:
    """The value of JSON text."""
    return orjson.loads(text)


def loadb(text: bytes) -> Any:
    """The value of JSON in UTF-8."""
    return orjson.loads(text)


def load(file: IO[Any]) -> Any:
    """The value of a file of JSON."""
    return orjson.loads(file.read())


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "model_dump"):
        return value.model_dump()
    raise TypeError(f"no JSON for {type(value).__name__}")
