"""A setting's text, or its TOML value, as the type that an argument asks for: dlt's rules."""

import base64
import enum
import types
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from inspect import Parameter
from types import MappingProxyType
from typing import Annotated, Any, Literal, NewType, TypeVar, Union, get_args, get_origin

import orjson

_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})


def plain(hint: Any) -> Any:
    """The type inside Optional, Annotated, NewType and generics; `object` where any value will do.

    A union of several types stays what it is.
    """
    if hint in (Any, object, Parameter.empty, None) or isinstance(hint, (TypeVar, str)):
        return object
    if isinstance(hint, NewType):
        return plain(hint.__supertype__)
    origin = get_origin(hint)
    if origin is Annotated:
        return plain(get_args(hint)[0])
    if origin in (Union, types.UnionType):
        members = [member for member in get_args(hint) if member is not type(None)]
        return plain(members[0]) if len(members) == 1 else hint
    return hint if origin in (None, Literal) else origin


def spelled(hint: Any) -> str:
    """A type as a person reads it in an error."""
    kind = plain(hint)
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(repr, get_args(kind)))}"
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return f"one of {', '.join(repr(member.value) for member in kind)}"
    if kind in (list, dict):
        return f"a JSON {'list' if kind is list else 'object'}"
    name = kind.__name__ if isinstance(kind, type) else str(kind)
    return f"of the type {name}" if kind in _FROM else f"of a type that a setting can have: {name}"


def settable(hint: Any) -> bool:
    """Whether an argument of this type can be meant to come from settings at all.

    Values such as timedelta count: settings cannot be one, and `convert` says so when one is given.
    """
    kind = plain(hint)
    if kind is object or get_origin(kind) in (Literal, Union, types.UnionType) or kind in _FROM:
        return True
    if not isinstance(kind, type):
        return False
    meant = (Sequence, Mapping, tuple, set, frozenset, timedelta)
    return kind in meant or issubclass(kind, enum.Enum)


def convert(value: Any, hint: Any) -> Any:
    """`value` as a `hint`. ValueError or TypeError if it is none, or if no setting can be one."""
    kind = plain(hint)
    if kind is object:
        return value
    if get_origin(kind) is Literal:
        return _literal(value, get_args(kind))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _member(value, kind)
    return _FROM[_known(kind)](value)


def _known(kind: Any) -> type:
    if kind in (Sequence, Mapping):
        return list if kind is Sequence else dict
    if kind not in _FROM:
        raise TypeError(f"no setting can be a {kind}")
    return kind  # type: ignore[no-any-return]


def _literal(value: Any, members: tuple[Any, ...]) -> Any:
    converted = convert(value, type(members[0]))
    if converted not in members:
        raise ValueError("not a member")
    return converted


def _member(value: Any, kind: type[enum.Enum]) -> enum.Enum:
    for member in kind:
        if member.value == value or str(member.value) == str(value):
            return member
    raise ValueError("not a member")


def _text(value: Any) -> str:
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    raise TypeError("not a text")


def _integer(value: Any) -> int:
    if isinstance(value, str):
        text = value.strip()
        return int(text, 16) if text.lower().startswith("0x") else int(text)
    if isinstance(value, float) and not value.is_integer():
        raise ValueError("has a fraction")
    return int(_number(value, int))


def _number(value: Any, kind: Callable[[Any], Any]) -> Any:
    if isinstance(value, (str, int, float)):
        return kind(value)
    raise TypeError("not a number")


def _boolean(value: Any) -> bool:
    if isinstance(value, str):
        text = value.strip().lower()
        if text not in _TRUE | _FALSE:
            raise ValueError("neither true nor false")
        return text in _TRUE
    if isinstance(value, bool) or value in (0, 1):
        return bool(value)
    raise TypeError("neither true nor false")


def _moment(value: Any) -> datetime:
    """ISO text, which keeps its zone or has none, or seconds since 1970, in UTC."""
    if isinstance(value, str):
        text = value.strip()
        digits = text.replace(".", "", 1).isdigit() and (len(text) > 8 or "." in text)
        value = float(text) if digits else datetime.fromisoformat(text)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    raise TypeError("not a moment")


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return _moment(value).date()


def _clock(value: Any) -> time:
    return value if isinstance(value, time) else time.fromisoformat(_text(value).strip())


def _decimal(value: Any) -> Decimal:
    try:
        return Decimal(_text(value).strip())
    except InvalidOperation as e:
        raise ValueError("not a number") from e


def _binary(value: Any) -> bytes:
    return base64.b64decode(_text(value), validate=True)


def _json(kind: type) -> Callable[[Any], Any]:
    def parse(value: Any) -> Any:
        found = orjson.loads(value) if isinstance(value, str) else value
        if not isinstance(found, kind):
            raise TypeError(f"not a {kind.__name__}")
        return found

    return parse


_FROM: Mapping[Any, Callable[[Any], Any]] = MappingProxyType(
    {
        str: _text,
        int: _integer,
        float: lambda value: _number(value, float),
        bool: _boolean,
        datetime: _moment,
        date: _day,
        time: _clock,
        Decimal: _decimal,
        bytes: _binary,
        list: _json(list),
        dict: _json(dict),
    }
)
