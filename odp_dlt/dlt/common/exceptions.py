"""Errors of dlt's own parts."""

from odp_dlt.errors import OdpError as DltException
from odp_dlt.extract.missing import MissingDependencyException

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["DltException", "MissingDependencyException"]
