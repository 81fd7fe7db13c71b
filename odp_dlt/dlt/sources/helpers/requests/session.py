"""A session with a time limit."""

from odp_dlt.extract.http import Session

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["Session"]
