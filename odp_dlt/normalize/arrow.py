"""Python rows → one Arrow array, without losing what Arrow's inference would blur.

Arrow reads a page of dicts in one call, and that is the fast way. It refuses a field that is a
number here and a text there, and it silently merges some classes that dlt keeps apart: 1 and 2.5, a
date and a datetime, 2.5 and True. Where it may have done so, the classes of the values are looked
at, along the paths to such values only, and if they differ, those values are read again by `exact`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from itertools import chain
from types import NoneType
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from odp_dlt.normalize.exact import ARROW_REFUSES, exact, field_names, struct_array
from odp_dlt.normalize.limits import Limits
from odp_dlt.normalize.order import Leaf, filled_fields, ordered

_LISTS = frozenset({list, tuple})


@dataclass(frozen=True)
class Reading:
    """What earlier pages of a resource taught: top-level fields that Arrow refuses, by name, and
    the paths of all fields that had values.
    """

    troubled: frozenset[str] = frozenset()
    filled: frozenset[Leaf] = frozenset()


def to_arrow(rows: list[Any], reading: Reading, limits: Limits) -> tuple[pa.StructArray, Reading]:
    """The dicts `rows` as a struct array, with a Reading to pass along with the next page."""
    page, troubled = _read(rows, reading.troubled, limits)
    filled = frozenset(filled_fields(page.type))
    fresh = filled - reading.filled
    if fresh:
        page = ordered(page, rows, fresh)
    return page, Reading(troubled, reading.filled | filled)


def _read(
    rows: list[Any], troubled: frozenset[str], limits: Limits
) -> tuple[pa.StructArray, frozenset[str]]:
    if limits.any or troubled:
        return _by_field(rows, troubled, limits)
    try:
        page = pa.array(rows)
    except ARROW_REFUSES:
        return _by_field(rows, troubled, limits)
    return _settled(page, rows, limits), troubled


def _by_field(
    rows: list[Any], known: frozenset[str], limits: Limits
) -> tuple[pa.StructArray, frozenset[str]]:
    """Each top-level field on its own, so that one that Arrow refuses does not cost the others."""
    troubled = set(known)
    columns: dict[str, pa.Array] = {}
    for key, name in field_names(rows).items():
        values = [row.get(key) for row in rows]
        column = None
        if not limits.any and name not in troubled:
            column = _quick(values, limits.of_field(name))
        if column is None:
            column = exact(values, limits.of_field(name))
            troubled.add(name)
        columns[name] = column
    return struct_array(columns, len(rows)), frozenset(troubled)


def _quick(values: list[Any], limits: Limits) -> pa.Array | None:
    try:
        return _settled(pa.array(values), values, limits)
    except ARROW_REFUSES:
        return None


def _settled(array: pa.Array, values: Sequence[Any], limits: Limits) -> pa.Array:
    """`array`, which Arrow made of `values`, with what it may have blurred read again."""
    found = array.type
    if _is_sure(found):
        return array
    if pt.is_struct(found):
        return _settled_struct(array, values, limits)
    classes = set(map(type, values)) - {NoneType}
    if pt.is_list(found):
        if not classes <= _LISTS:
            return exact(values, limits)
        return _settled_list(array, values, limits)
    return array if _is_of_one_class(found, classes, values) else exact(values, limits)


def _settled_struct(array: pa.StructArray, values: Sequence[Any], limits: Limits) -> pa.Array:
    inside = limits if limits.is_row else limits.of_inside()
    columns = {field.name: array.field(i) for i, field in enumerate(array.type)}
    changed = False
    for name, column in columns.items():
        if _is_sure(column.type):
            continue
        items = [None if value is None else value.get(name) for value in values]
        columns[name] = _settled(column, items, inside.of_field(name))
        changed = changed or columns[name] is not column
    if not changed:
        return array
    return struct_array(columns, len(array), array.is_null() if array.null_count else None)


def _settled_list(array: pa.ListArray, values: Sequence[Any], limits: Limits) -> pa.Array:
    if _is_sure(array.type.value_type):
        return array
    inside = array.values
    items = list(chain.from_iterable(value for value in values if value is not None))
    settled = _settled(inside, items, limits.of_items())
    if settled is inside:
        return array
    mask = array.is_null() if array.null_count else None
    return pa.ListArray.from_arrays(array.offsets, settled, mask=mask)


def _is_sure(found: pa.DataType) -> bool:
    """Whether Arrow gives the type to values of one class only, all the way down."""
    if pt.is_struct(found):
        return all(_is_sure(field.type) for field in found)
    return bool(
        pt.is_integer(found) or pt.is_boolean(found) or pt.is_null(found) or pt.is_string(found)
    )


def _is_of_one_class(found: pa.DataType, classes: set[type], values: Sequence[Any]) -> bool:
    """Whether `values`, of a type that Arrow gives to several classes, are all of one."""
    if len(classes) != 1:
        return False
    (kind,) = classes
    if pt.is_timestamp(found) and issubclass(kind, datetime):
        return len({value.tzinfo for value in values if value is not None}) == 1
    return (pt.is_floating(found) and issubclass(kind, float)) or (
        pt.is_time(found) and issubclass(kind, time)
    )
