"""The library pyarrow, and small changes to its tables."""

import pyarrow

from odp_dlt.extract.arrow_items import (
    TAnyArrowItem,
    append_column,
    is_arrow_item,
    remove_columns,
    rename_columns,
)

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = [
    "TAnyArrowItem",
    "append_column",
    "is_arrow_item",
    "pyarrow",
    "remove_columns",
    "rename_columns",
]
