"""Columns and tables as dlt's dictionaries: what sources do with them before they are hints."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

PREFIX = "_dlt"
"""What the names of dlt's own tables and columns begin with."""

_NOT_SAID: Mapping[str, Any] = MappingProxyType({"nullable": True, "timezone": True})
_ALWAYS_SAID = "x-active-record-timestamp"


def merge_column(
    col_a: dict[str, Any], col_b: Mapping[str, Any], merge_defaults: bool = True
) -> dict[str, Any]:
    """`col_a`, changed in place: what `col_b` says wins.

    Without `merge_defaults` that of `col_b` which says no more than nothing does (false, None,
    nullable) is left out.
    """
    col_a.update({k: v for k, v in col_b.items() if merge_defaults or not _is_default(k, v)})
    return col_a


def new_column(
    column_name: str,
    data_type: str | None = None,
    nullable: bool = True,
    precision: int | None = None,
    scale: int | None = None,
) -> dict[str, Any]:
    """A column of these properties; None is not written down."""
    said = {"data_type": data_type, "precision": precision, "scale": scale}
    given = {key: value for key, value in said.items() if value is not None}
    return {"name": column_name, "nullable": nullable, **given}


def new_table(
    table_name: str,
    parent_table_name: str | None = None,
    write_disposition: str | None = None,
    columns: Sequence[Mapping[str, Any]] | None = None,
    resource: str | None = None,
    schema_contract: Any = None,
    **hints: Any,
) -> dict[str, Any]:
    """A table of these properties: a root table, or one nested in `parent_table_name`."""
    said = {
        "write_disposition": write_disposition,
        "schema_contract": schema_contract,
        "resource": resource,
        "parent": parent_table_name,
        **hints,
    }
    if parent_table_name is None:
        said["write_disposition"] = write_disposition or "append"
        said["resource"] = resource or table_name
    given = {key: value for key, value in said.items() if value}
    return {"name": table_name, "columns": {c["name"]: c for c in columns or ()}, **given}


def get_columns_names_with_prop(
    table: Mapping[str, Any], column_prop: str, include_incomplete: bool = False
) -> list[str]:
    """The names of the table's columns that say `column_prop`, such as `primary_key`.

    Columns without a data type only with `include_incomplete`.
    """
    return [
        name
        for name, column in table["columns"].items()
        if not _is_default(column_prop, column.get(column_prop))
        and (include_incomplete or column.get("data_type"))
    ]


def _is_default(key: str, value: Any) -> bool:
    return key != _ALWAYS_SAID and (value is None or value is _NOT_SAID.get(key, False))
