"""The columns of a table as a person reads them: before a load, and as it left them."""

from odp_dlt.destinations.base import Destination
from odp_dlt.pipeline.info import TableLoad
from odp_dlt.schema.model import Column, Table
from odp_dlt.tasks.base import ColumnInfo
from odp_dlt.tasks.lineage import Lineage


def planned_columns(
    table: Table, target: Destination | None, lineage: Lineage
) -> tuple[ColumnInfo, ...]:
    def type_name(column: Column) -> str:
        return (target.type_name(column) if target else column.data_type) or "unknown"

    columns = table.typed_columns().values()
    return tuple(_column(one.name, type_name(one), one, table, lineage) for one in columns)


def loaded_columns(loaded: TableLoad, lineage: Lineage) -> tuple[ColumnInfo, ...]:
    table = lineage.schema.tables[loaded.name]
    return tuple(
        _column(name, type_name, table.columns.get(name), table, lineage)
        for name, type_name in loaded.columns.items()
    )


def _column(
    name: str, type_name: str, column: Column | None, table: Table, lineage: Lineage
) -> ColumnInfo:
    if column is None:
        return ColumnInfo(name, type_name)
    return ColumnInfo(
        name,
        type_name,
        column.is_nullable,
        column.description,
        tuple(key for key, value in column.hints.items() if value is True),
        comes_from=lineage.comes_from(table, column),
    )
