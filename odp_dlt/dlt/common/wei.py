"""Whole numbers of up to 256 bits."""

from odp_dlt.schema.types import Wei

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["Wei"]
