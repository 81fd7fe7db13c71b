"""PostgreSQL's types and dlt's data types, one for the other, for sources that replicate tables."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from odp_dlt.destinations.postgres import type_name
from odp_dlt.schema.model import Column

_WEI = (156, 78)
_DATA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "smallint": "bigint",
        "integer": "bigint",
        "bigint": "bigint",
        "double precision": "double",
        "numeric": "decimal",
        "boolean": "bool",
        "bytea": "binary",
        "date": "date",
        "time without time zone": "time",
        "timestamp with time zone": "timestamp",
        "timestamp without time zone": "timestamp",
    }
)


class PostgresTypeMapper:
    """Made with the destination's capabilities, as dlt's is; it does not need them."""

    def __init__(self, capabilities: object = None) -> None:
        self.capabilities = capabilities

    def from_destination_type(
        self, db_type: str | None, precision: int | None = None, scale: int | None = None
    ) -> dict[str, Any]:
        """The keys of a column of PostgreSQL's type `db_type`; unknown types are text."""
        name = db_type or ""
        if name.startswith("json"):
            return {"data_type": "json"}
        if name.startswith("geometry"):
            return {"data_type": "text"}
        if name == "numeric" and (precision, scale) == _WEI:
            return {"data_type": "wei"}
        said = {"precision": precision, "scale": scale}
        given = {key: value for key, value in said.items() if value is not None}
        return {"data_type": _DATA_TYPES.get(name, "text"), **given}

    def to_destination_type(self, column: Mapping[str, Any], table: object = None) -> str:
        """PostgreSQL's type for a column, as the destination `postgres` makes it."""
        known = ("data_type", "precision", "scale", "timezone")
        given = {key: column[key] for key in known if column.get(key) is not None}
        return type_name(Column(str(column.get("name", "")), **given))
