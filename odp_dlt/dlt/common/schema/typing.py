"""The names of the dictionaries that tables and columns are described by."""

from typing import Any

from odp_dlt.dlt.common.typing import TColumnNames
from odp_dlt.schema.model import DataType as TDataType
from odp_dlt.schema.model import Disposition as TWriteDisposition
from odp_dlt.schema.stored_columns import PREFIX as DLT_NAME_PREFIX

__path__: list[str] = []  # so that a name which is not here is told by the finder

TAnySchemaColumns = Any
TColumnSchema = dict[str, Any]
TColumnType = dict[str, Any]
TSchemaContract = str | dict[str, str]
TTableFormat = str
TTableSchema = dict[str, Any]
TTableSchemaColumns = dict[str, dict[str, Any]]

__all__ = [
    "DLT_NAME_PREFIX",
    "TAnySchemaColumns",
    "TColumnNames",
    "TColumnSchema",
    "TColumnType",
    "TDataType",
    "TSchemaContract",
    "TTableFormat",
    "TTableSchema",
    "TTableSchemaColumns",
    "TWriteDisposition",
]
