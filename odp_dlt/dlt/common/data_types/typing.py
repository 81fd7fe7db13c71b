"""The types of columns."""

from odp_dlt.schema.model import DATA_TYPES
from odp_dlt.schema.model import DataType as TDataType

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["DATA_TYPES", "TDataType"]
