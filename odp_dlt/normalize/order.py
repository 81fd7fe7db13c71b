"""The fields of a page in the order of the keys in its rows.

Arrow has them in the order of their first appearance, be it in a row where they are null. Columns
that are first filled by one and the same row stand in the order that their keys have there, so
where rows leave keys out, every order that occurs has to be respected.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import chain, pairwise
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from odp_dlt.normalize.exact import field_names, is_mixed, struct_array

Leaf = tuple[str, ...]


def filled_fields(found: pa.DataType, path: Leaf = ()) -> Iterator[Leaf]:
    """The paths of all fields in `found` that have values; a list is a step of its own."""
    if pt.is_struct(found):
        for field in found:
            yield from filled_fields(field.type, (*path, field.name))
    elif pt.is_list(found):
        yield from filled_fields(found.value_type, (*path, "[]"))
    elif not pt.is_null(found):
        yield path


def ordered(array: pa.Array, values: Sequence[Any], fresh: Collection[Leaf]) -> pa.Array:
    """`array`, which was made of `values`, with its `fresh` fields in the order of the keys.

    `fresh` are paths in `array`; what is not on one of them stays as it is. Where rows contradict
    each other, the order of first appearance is kept.
    """
    if is_mixed(array.type):
        parts = {}
        for place, part in enumerate(array.type):
            inside = [path[1:] for path in fresh if path[0] == part.name and path[1:]]
            child = array.field(place)
            parts[part.name] = ordered(child, values, inside) if inside else child
        return struct_array(parts, len(array))
    if pt.is_struct(array.type):
        dicts = [value if isinstance(value, dict) else None for value in values]
        return _ordered_struct(array, dicts, fresh)
    lists = [value if isinstance(value, list | tuple) else None for value in values]
    return _ordered_list(array, lists, [path[1:] for path in fresh if path[1:]])


def _ordered_struct(
    array: pa.StructArray, dicts: Sequence[dict[Any, Any] | None], fresh: Collection[Leaf]
) -> pa.Array:
    inside: dict[str, list[Leaf]] = {}
    for path in fresh:
        inside.setdefault(path[0], []).append(path[1:])
    orders = dict.fromkeys(map(tuple, filter(None, dicts)))
    keys = {name: key for key, name in field_names(list(orders)).items()}
    names = [field.name for field in array.type]
    if len(orders) > 1 and len(inside) > 1:
        places = {key: place for place, key in enumerate(_merged_order(orders))}
        names.sort(key=lambda name: places.get(keys.get(name), len(places)))
    columns = {}
    for name in names:
        column = array.field(array.type.get_field_index(name))
        deeper = [path for path in inside.get(name, ()) if path]
        if deeper and name in keys:
            key = keys[name]
            column = ordered(column, [d.get(key) if d else None for d in dicts], deeper)
        columns[name] = column
    return struct_array(columns, len(array), array.is_null() if array.null_count else None)


def _ordered_list(
    array: pa.ListArray, lists: Sequence[Sequence[Any] | None], fresh: Collection[Leaf]
) -> pa.Array:
    if not fresh:
        return array
    items = list(chain.from_iterable(value for value in lists if value is not None))
    if len(items) != len(array.values):  # some came as other things than lists
        return array
    mask = array.is_null() if array.null_count else None
    inside = ordered(array.values, items, fresh)
    return pa.ListArray.from_arrays(array.offsets, inside, mask=mask)


def _merged_order(orders: Iterable[tuple[Any, ...]]) -> list[Any]:
    """All keys in an order that agrees with every one of `orders`, if there is one."""
    first = dict.fromkeys(chain.from_iterable(orders))
    sorter: TopologicalSorter[Any] = TopologicalSorter({key: () for key in first})
    for before, after in set(chain.from_iterable(map(pairwise, orders))):
        sorter.add(after, before)
    try:
        return list(sorter.static_order())
    except CycleError:
        return list(first)
