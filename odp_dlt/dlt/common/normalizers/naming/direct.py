"""The naming convention direct."""

from odp_dlt.schema.convention import Direct as NamingConvention

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["NamingConvention"]
