"""Tables and columns."""

from odp_dlt.dlt.common.schema.typing import (
    TColumnSchema,
    TTableSchema,
    TTableSchemaColumns,
    TWriteDisposition,
)
from odp_dlt.schema.model import Schema

__all__ = [
    "Schema",
    "TColumnSchema",
    "TTableSchema",
    "TTableSchemaColumns",
    "TWriteDisposition",
]
