"""Python rows → one Arrow array, without losing what Arrow's inference would blur.

Arrow reads a page of dicts in one call, and that is the fast way. It refuses a field that is a
number here and a text there, and it silently merges some types that dlt keeps apart (1 and 2.5, a
date and a datetime). Only the top-level fields where that happens are read again, by `exact`.
"""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from odp_dlt.normalize.exact import ARROW_REFUSES, exact, field_names, struct_array
from odp_dlt.normalize.limits import Limits


@dataclass(frozen=True)
class Reading:
    """What earlier pages of a resource taught: types that are sure, and fields that are not."""

    certain: pa.DataType | None = None
    troubled: frozenset[str] = frozenset()


def to_arrow(rows: list[Any], reading: Reading, limits: Limits) -> tuple[pa.StructArray, Reading]:
    """The dicts `rows` as a struct array, with a Reading to pass along with the next page."""
    if limits.any or reading.troubled:
        return _by_field(rows, reading, limits)
    try:
        page = pa.array(rows)
    except ARROW_REFUSES:
        return _by_field(rows, reading, limits)
    for name in [f.name for f in page.type if _doubtful(f.type, _child(reading.certain, f.name))]:
        again = exact([row.get(name) for row in rows], limits.of_field(name))
        page = _with_field(page, name, again)
    return page, Reading(page.type)


def _by_field(rows: list[Any], reading: Reading, limits: Limits) -> tuple[pa.StructArray, Reading]:
    """Each top-level field on its own, so that one that Arrow refuses does not cost the others."""
    troubled = set(reading.troubled)
    columns: dict[str, pa.Array] = {}
    for key, name in field_names(rows, limits.path).items():
        values = [row.get(key) for row in rows]
        column = None
        if not limits.any and name not in troubled:
            column = _quick(values, _child(reading.certain, name))
        if column is None:
            column = exact(values, limits.of_field(name))
            troubled.add(name)
        columns[name] = column
    page = struct_array(columns, len(rows))
    return page, Reading(page.type, frozenset(troubled))


def _quick(values: list[Any], certain: pa.DataType | None) -> pa.Array | None:
    try:
        array = pa.array(values)
    except ARROW_REFUSES:
        return None
    return None if _doubtful(array.type, certain) else array


def _doubtful(found: pa.DataType, certain: pa.DataType | None) -> bool:
    """Whether Arrow may have merged unlike values into `found`: what it was before settles it."""
    if pt.is_struct(found):
        return any(_doubtful(f.type, _child(certain, f.name)) for f in found)
    if pt.is_list(found):
        inner = certain.value_type if certain is not None and pt.is_list(certain) else None
        return _doubtful(found.value_type, inner)
    if _sure(found):
        return False
    return not (pt.is_floating(found) and certain is not None and found.equals(certain))


def _sure(found: pa.DataType) -> bool:
    """Types that Arrow gives to values of one class only."""
    numbers = pt.is_integer(found) or pt.is_boolean(found)
    return bool(numbers or pt.is_null(found) or pt.is_string(found) or _is_moment(found))


def _is_moment(found: pa.DataType) -> bool:
    return bool(pt.is_timestamp(found) or pt.is_time(found))


def _child(certain: pa.DataType | None, name: str) -> pa.DataType | None:
    if certain is None or not pt.is_struct(certain):
        return None
    index = certain.get_field_index(name)
    return certain.field(index).type if index >= 0 else None


def _with_field(page: pa.StructArray, name: str, column: pa.Array) -> pa.StructArray:
    columns = dict(zip([f.name for f in page.type], page.flatten(), strict=True))
    columns[name] = column
    return struct_array(columns, len(page))
