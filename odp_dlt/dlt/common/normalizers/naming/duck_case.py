"""The naming convention duck_case."""

from odp_dlt.schema.convention import DuckCase as NamingConvention

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["NamingConvention"]
