"""Small functions that sources use."""

from odp_dlt.extract.small import (
    chunks,
    digest128,
    map_nested_keys_in_place,
    map_nested_values_in_place,
    uniq_id,
)

map_nested_in_place = map_nested_values_in_place

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = [
    "chunks",
    "digest128",
    "map_nested_in_place",
    "map_nested_keys_in_place",
    "map_nested_values_in_place",
    "uniq_id",
]
