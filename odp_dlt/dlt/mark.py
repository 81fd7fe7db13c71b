"""What a resource says about single items."""

from odp_dlt.extract.marks import make_hints, make_nested_hints, with_hints, with_table_name

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["make_hints", "make_nested_hints", "with_hints", "with_table_name"]
