"""Sources under the name of their class."""

from odp_dlt.extract.source import Source as DltSource

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["DltSource"]
