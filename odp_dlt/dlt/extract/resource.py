"""Resources under the name of their class."""

from odp_dlt.extract.resource import Resource as DltResource

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["DltResource"]
