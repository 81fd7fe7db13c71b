"""Small changes to Arrow tables and record batches alike."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

TAnyArrowItem = Any
"""A `pyarrow.Table` or a `pyarrow.RecordBatch`."""


def is_arrow_item(item: Any) -> bool:
    """Whether `item` is an Arrow table or a record batch."""
    return isinstance(item, (pa.Table, pa.RecordBatch))


def remove_columns(item: TAnyArrowItem, columns: Sequence[str]) -> TAnyArrowItem:
    """`item` without `columns`; those that it lacks are no error."""
    there = [name for name in columns if name in item.schema.names]
    return item.drop_columns(there) if there else item


def append_column(item: TAnyArrowItem, name: str, data: Any) -> TAnyArrowItem:
    """`item` with one more column at its end."""
    return item.append_column(name, data)


def rename_columns(item: TAnyArrowItem, new_column_names: Sequence[str]) -> TAnyArrowItem:
    """`item` with these names of columns, in their order."""
    return item.rename_columns(list(new_column_names))
