"""Naming conventions, each in a module of its name."""

from odp_dlt.schema.convention import NamingConvention

__all__ = ["NamingConvention"]
