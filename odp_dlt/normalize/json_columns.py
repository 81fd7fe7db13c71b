"""Nested Arrow columns as JSON text, put together from whole columns as far as Arrow can."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from odp_dlt.normalize.plain import json_text

_CONTROL = "[\x01-\x1f]|\x00"  # what JSON spells in ways that Arrow has no operation for
_NULL = "null"


def json_texts(array: pa.Array) -> pa.Array:
    """The values of `array` as compact JSON, null where they are null; maps become objects.

    Texts, integers, booleans and what is made of them go by columns, the rest value by value.
    """
    if pt.is_struct(array.type):
        return _structs(array)
    if _is_list(array.type):
        return _lists(array)
    if pt.is_boolean(array.type) or pt.is_integer(array.type):
        return array.cast(pa.string())
    if pt.is_string(array.type) or pt.is_large_string(array.type) or pt.is_string_view(array.type):
        return _texts(array.cast(pa.string()))
    return _by_value(array)


def _is_list(arrow: pa.DataType) -> bool:
    return bool(pt.is_list(arrow) or pt.is_large_list(arrow) or pt.is_fixed_size_list(arrow))


def _structs(array: pa.StructArray) -> pa.Array:
    if not array.type.num_fields:
        return pc.if_else(array.is_valid(), pa.scalar("{}"), pa.scalar(None, pa.string()))
    pieces: list[pa.Array | pa.Scalar] = []
    for index, (field, values) in enumerate(zip(array.type, array.flatten(), strict=True)):
        pieces.append(pa.scalar(f"{',' if index else '{'}{json_text(field.name)}:"))
        pieces.append(json_texts(values).fill_null(_NULL))
    return _where_valid(array, [*pieces, pa.scalar("}")])


def _lists(array: pa.Array) -> pa.Array:
    lengths = pc.list_value_length(array).fill_null(0).cast(pa.int64())
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths)])
    items = json_texts(array.flatten()).fill_null(_NULL)
    joined = pc.binary_join(pa.LargeListArray.from_arrays(offsets, items), ",")
    return _where_valid(array, [pa.scalar("["), joined, pa.scalar("]")])


def _where_valid(array: pa.Array, pieces: list[pa.Array | pa.Scalar]) -> pa.Array:
    joined = pc.binary_join_element_wise(*pieces, "")
    return pc.if_else(array.is_valid(), joined, pa.scalar(None, pa.string()))


def _texts(array: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring_regex(array, _CONTROL)).as_py():
        return _by_value(array)
    escaped = pc.replace_substring(pc.replace_substring(array, "\\", "\\\\"), '"', '\\"')
    return pc.binary_join_element_wise(pa.scalar('"'), escaped, pa.scalar('"'), "")


def _by_value(array: pa.Array) -> pa.Array:
    values = array.to_pylist(maps_as_pydicts="strict")
    return pa.array([None if v is None else json_text(v) for v in values], pa.string())
