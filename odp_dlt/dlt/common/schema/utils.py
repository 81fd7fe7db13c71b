"""Columns and tables as dictionaries."""

from odp_dlt.schema.stored_columns import (
    get_columns_names_with_prop,
    merge_column,
    new_column,
    new_table,
)

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["get_columns_names_with_prop", "merge_column", "new_column", "new_table"]
