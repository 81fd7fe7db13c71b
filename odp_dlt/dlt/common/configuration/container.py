"""What runs, asked by its class."""

from odp_dlt.extract.context import Container

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["Container"]
