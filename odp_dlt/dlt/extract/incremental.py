"""Incremental under the name of its class."""

from odp_dlt.extract.incremental import Incremental

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["Incremental"]
