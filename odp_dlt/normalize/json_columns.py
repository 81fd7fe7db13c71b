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
        return listed(array, json_texts(array.flatten()).fill_null(_NULL))
    if pt.is_boolean(array.type) or pt.is_integer(array.type):
        return array.cast(pa.string())
    if pt.is_string(array.type) or pt.is_large_string(array.type) or pt.is_string_view(array.type):
        return quoted_texts(array.cast(pa.string()))
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
    return where_valid(array, pc.binary_join_element_wise(*pieces, pa.scalar("}"), ""))


def listed(array: pa.Array, items: pa.Array) -> pa.Array:
    """The lists of `array` as JSON arrays, where `items` are the texts of all their items."""
    lengths = pc.list_value_length(array).fill_null(0).cast(pa.int64())
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths)])
    joined = pc.binary_join(pa.LargeListArray.from_arrays(offsets, items), ",")
    texts = pc.binary_join_element_wise(pa.scalar("["), joined, pa.scalar("]"), "")
    return where_valid(array, texts)


def where_valid(array: pa.Array, texts: pa.Array) -> pa.Array:
    """`texts`, but null where `array` is null."""
    if array.null_count == 0:
        return texts
    return pc.if_else(array.is_valid(), texts, pa.scalar(None, pa.string()))


def quoted_texts(array: pa.StringArray) -> pa.Array:
    """Texts as JSON strings."""
    if pc.any(pc.match_substring_regex(array, _CONTROL)).as_py():
        return _by_value(array)
    escaped = pc.replace_substring(pc.replace_substring(array, "\\", "\\\\"), '"', '\\"')
    return pc.binary_join_element_wise(pa.scalar('"'), escaped, pa.scalar('"'), "")


def _by_value(array: pa.Array) -> pa.Array:
    values = array.to_pylist(maps_as_pydicts="strict")
    return pa.array([None if v is None else json_text(v) for v in values], pa.string())
