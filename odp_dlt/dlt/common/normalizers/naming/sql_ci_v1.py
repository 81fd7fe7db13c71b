"""The naming convention sql_ci_v1."""

from odp_dlt.schema.convention import SqlCaseInsensitive as NamingConvention

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["NamingConvention"]
