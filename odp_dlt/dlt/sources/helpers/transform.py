"""Small changes to rows."""

from odp_dlt.sources.transform import add_row_hash_to_table, pivot, skip_first, take_first

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = [
    "add_row_hash_to_table",
    "pivot",
    "skip_first",
    "take_first",
]
