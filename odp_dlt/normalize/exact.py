"""Python values → Arrow, class by class: nothing is merged, nothing is lost.

A field whose values are of several classes becomes a *mixed* array: a struct with one child for
each class, in order of first appearance, whose names start with a NUL. `parts` takes it apart
again.

Everything here goes over the values in Python, since their classes are nowhere else. `to_arrow`
asks for it only where Arrow's own reading is not to be trusted.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import accumulate, chain
from types import NoneType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from odp_dlt.errors import SourceError
from odp_dlt.normalize.limits import Limits
from odp_dlt.normalize.plain import json_text, key_text, plain
from odp_dlt.schema.types import WEI, Wei

MIXED = "\0"
JSON = pa.json_(pa.string())
ARROW_REFUSES = (pa.ArrowException, OverflowError, UnicodeError, TypeError, ValueError)

_INT64 = range(-(2**63), 2**63)

# What the scalar classes become; None leaves it to Arrow. Of two classes one of which derives from
# the other, the derived one stands first.
_SCALARS: Mapping[type, pa.DataType | None] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    datetime: None,
    date: pa.date32(),
    time: pa.time64("us"),
    Wei: WEI,
    Decimal: None,
    bytes: pa.binary(),
}


def is_mixed(arrow: pa.DataType) -> bool:
    return bool(pt.is_struct(arrow) and arrow.num_fields and arrow.field(0).name.startswith(MIXED))


def parts(array: pa.Array) -> list[pa.Array]:
    """The arrays of one class each that a mixed array is made of; any other array, alone."""
    return list(array.flatten()) if is_mixed(array.type) else [array]


def struct_array(
    columns: Mapping[str, pa.Array], length: int, mask: pa.Array | None = None
) -> pa.StructArray:
    """A struct of `columns`, which may be none; `mask` is true where the struct itself is null."""
    if columns:
        return pa.StructArray.from_arrays(list(columns.values()), names=list(columns), mask=mask)
    rows = pa.array([{}], pa.struct([])).take(pa.repeat(pa.scalar(0, pa.int64()), length))
    return rows if mask is None else pc.if_else(mask, pa.scalar(None, pa.struct([])), rows)


def exact(values: Sequence[Any], limits: Limits) -> pa.Array:
    """The Arrow array of `values`, of which any may be None, at the place `limits`."""
    families = {kind: _family(kind) for kind in dict.fromkeys(map(type, values))}
    families.pop(NoneType, None)
    if None in families.values():
        odd = {kind for kind, family in families.items() if family is None}
        return exact([plain(v, limits.path) if type(v) in odd else v for v in values], limits)
    found = list(dict.fromkeys(family for family in families.values() if family is not None))
    if not found:
        return pa.nulls(len(values))
    if len(found) == 1:
        return _of_family(values, found[0], limits)
    apart: dict[type | None, list[Any]] = {family: [None] * len(values) for family in found}
    column = {kind: apart[family] for kind, family in families.items()}
    for place, value in enumerate(values):  # once, where a comprehension a family would go k times
        if value is not None:
            column[type(value)][place] = value
    return _mixed([_of_family(apart[family], family, limits) for family in found])


def _family(kind: type) -> type | None:
    """What the values of a class are read as: dict, list, a scalar class; None if not directly."""
    if issubclass(kind, dict):
        return dict
    if issubclass(kind, list | tuple) and not hasattr(kind, "_asdict"):
        return list
    return _scalar_class(kind)


def _of_family(values: Sequence[Any], family: type, limits: Limits) -> pa.Array:
    if family is dict:
        return _json(values) if limits.whole and not limits.is_row else _dicts(values, limits)
    return _lists(values, limits) if family is list else _scalars(values, family, limits)


def _mixed(arrays: Sequence[pa.Array]) -> pa.Array:
    """Arrays that have values in different places, as one; what is mixed already is taken apart."""
    found: dict[str, pa.Array] = {}
    for part in chain.from_iterable(map(parts, arrays)):
        name = MIXED + str(part.type)
        found[name] = _either(found[name], part) if name in found else part
    return struct_array(found, len(arrays[0])) if len(found) > 1 else next(iter(found.values()))


def _either(one: pa.Array, other: pa.Array) -> pa.Array:
    if isinstance(one.type, pa.BaseExtensionType):
        both = pc.coalesce(one.storage, other.storage)
        return pa.ExtensionArray.from_storage(one.type, both)
    return pc.coalesce(one, other)


def _dicts(values: Sequence[Any], limits: Limits) -> pa.Array:
    whole = all(v is not None for v in values)
    rows = values if whole else [{} if v is None else v for v in values]
    inside = limits if limits.is_row else limits.of_inside()
    columns: dict[str, pa.Array] = {}
    for key, name in field_names(rows).items():
        columns[name] = exact([row.get(key) for row in rows], inside.of_field(name))
    mask = None if whole else pa.array([v is None for v in values])
    return struct_array(columns, len(values), mask)


def field_names(rows: Iterable[Iterable[Any]]) -> dict[Any, str]:
    """Every key of `rows`, in order of first appearance, with its name as text.

    A key that is no text has its class added where a text key reads the same: 1 beside "1".
    """
    keys = dict.fromkeys(chain.from_iterable(rows))
    if all(type(key) is str for key in keys):
        return {key: key for key in keys}
    taken = {str(key) for key in keys if isinstance(key, str)}
    names = {}
    for key in keys:
        name = key_text(key)
        if not isinstance(key, str) and name in taken:
            name = f"{name} {type(key).__name__}"
        taken.add(name)
        names[key] = name
    return names


def _lists(values: Sequence[Any], limits: Limits) -> pa.Array:
    if limits.whole:
        texts = _json(values)
        if not limits.is_row:
            return texts
        return struct_array({"list": texts}, len(values), texts.is_null())
    lengths = [0 if v is None else len(v) for v in values]
    items = list(chain.from_iterable(v for v in values if v is not None))
    offsets = pa.array(accumulate(lengths, initial=0), pa.int32())
    mask = pa.array([v is None for v in values])
    return pa.ListArray.from_arrays(offsets, exact(items, limits.of_items()), mask=mask)


def _json(values: Sequence[Any]) -> pa.Array:
    texts = [None if v is None else json_text(v) for v in values]
    return pa.ExtensionArray.from_storage(JSON, pa.array(texts, pa.string()))


def _scalar_class(kind: type) -> type | None:
    """The class in the table that `kind` is or merely derives from, as pendulum's DateTime."""
    if kind in _SCALARS:
        return kind
    if issubclass(kind, bytearray | memoryview):
        return bytes
    if hasattr(kind, "__members__") or hasattr(kind, "dtype"):
        return None  # an Enum of strings, a numpy scalar: more than the class that it derives from
    return next((base for base in _SCALARS if issubclass(kind, base)), None)


def _scalars(values: Sequence[Any], kind: type, limits: Limits) -> pa.Array:
    split = _SPLIT.get(kind)
    if split is not None:
        groups = dict.fromkeys(split(v) for v in values if v is not None)
        if len(groups) > 1:
            alone = [
                [v if v is not None and split(v) == group else None for v in values]
                for group in groups
            ]
            return _mixed([_scalars(each, kind, limits) for each in alone])
    try:
        return pa.array(values, _SCALARS[kind])
    except ARROW_REFUSES as e:
        odd = _ODD.get(kind)
        if odd is None:
            raise SourceError(f"a {kind.__name__} cannot be loaded: {e}", at=limits.path) from e
        return odd(values, limits)


def _odd_moments(values: Sequence[datetime | None], _limits: Limits) -> pa.Array:
    """Moments in a zone that Arrow does not know."""
    return pa.array([None if v is None else v.astimezone(UTC) for v in values])


def _wide_integers(values: Sequence[int | None], limits: Limits) -> pa.Array:
    """Integers of which some need more than 64 bits: those as decimals."""
    split = [v if v is None or v in _INT64 else Decimal(v) for v in values]
    return exact(split, limits)


def _odd_text(values: Sequence[str | None], _limits: Limits) -> pa.Array:
    """Text with lone surrogates, which UTF-8 has no bytes for: spelled as escapes."""
    return pa.array(
        [None if v is None else v.encode("utf-8", "backslashreplace").decode() for v in values]
    )


def _odd_decimals(values: Sequence[Decimal | None], limits: Limits) -> pa.Array:
    """Decimals of which Arrow does not take all (NaN, over 76 digits): those as exact text."""
    split = [v if v is None or _is_decimal(v) else str(v) for v in values]
    if all(not isinstance(v, str) for v in split):  # only together they are too wide
        split = [None if v is None else str(v) for v in values]
    return exact(split, limits)


def _is_decimal(value: Decimal) -> bool:
    try:
        pa.scalar(value)
    except ARROW_REFUSES:
        return False
    return True


# Text columns get values as they were: 07:00+02:00 is not 05:00+00:00 there, nor 2.50 just 2.5.
_SPLIT: Mapping[type, Callable[[Any], Hashable]] = {
    datetime: lambda value: value.tzinfo,
    Decimal: lambda value: value.as_tuple().exponent,
}

_ODD: Mapping[type, Callable[[Any, Limits], pa.Array]] = {
    int: _wide_integers,
    str: _odd_text,
    datetime: _odd_moments,
    Decimal: _odd_decimals,
}
