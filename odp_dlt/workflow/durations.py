"""Spans of time as a person writes them: `90s`, `15m`, `36h`, `2d`, `1w`, or seconds."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def duration(text: Any) -> timedelta:
    """The span that `text` says; raises pydantic's error, whose message says how to write one."""
    if isinstance(text, timedelta):
        return text
    if isinstance(text, int | float) and not isinstance(text, bool) and text > 0:
        return timedelta(seconds=text)
    found = _FORM.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None or not float(found[1]):
        raise PydanticCustomError("duration", "it must be a span of time such as 90s, 15m, 36h, 2d")
    return timedelta(seconds=float(found[1]) * _SECONDS[found[2]])


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    PlainSerializer(lambda span: f"{span.total_seconds():g}s"),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?\s*[smhdw]$"}, {"type": "number"}]}
    ),
]
