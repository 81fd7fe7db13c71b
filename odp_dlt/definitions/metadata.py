"""What a task reports ↔ Dagster's metadata."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from odp_dlt.tasks.base import ColumnInfo, Done, Markdown, Planned, Scalar

COLUMN_SCHEMA = "dagster/column_schema"
COLUMN_LINEAGE = "dagster/column_lineage"
TABLE_NAME = "dagster/table_name"
CODE_REFERENCES = "dagster/code_references"


def of_run(done: Done) -> dict[str, Any]:
    """The metadata of a materialization."""
    metadata = {name: _shown(value) for name, value in done.metadata.items()}
    if done.columns is not None:
        metadata |= _of_columns(done.columns)
    return metadata


def of_definition(planned: Planned, references: Iterable[tuple[Path, int, str]]) -> dict[str, Any]:
    """The metadata of an asset before any run; `references` are file, line and label each."""
    metadata: dict[str, Any] = {CODE_REFERENCES: _code_references(references)}
    if planned.table_name is not None:
        metadata[TABLE_NAME] = planned.table_name
    if planned.columns is not None:
        metadata |= _of_columns(planned.columns)
    return metadata


def for_templates(metadata: Mapping[str, dg.MetadataValue]) -> dict[str, Any]:
    """The plain values of a materialization, as templates of assets downstream see them.

    A moment is ISO text in UTC; what is no single value, such as a column schema, is left out.
    """
    found: dict[str, Any] = {}
    for name, value in metadata.items():
        if isinstance(value, dg.TimestampMetadataValue):
            found[name] = datetime.fromtimestamp(value.value, UTC).isoformat()
        elif isinstance(value.value, str | int | float | bool | None):
            found[name] = value.value
    return found


def column_schema(columns: Iterable[ColumnInfo]) -> dg.TableSchema:
    """Columns as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=column.type,
                description=column.description,
                constraints=dg.TableColumnConstraints(
                    nullable=column.nullable, other=list(column.hints)
                ),
                tags=dict(column.tags),
            )
            for column in columns
        ]
    )


def _shown(value: Scalar) -> Any:
    if isinstance(value, datetime):
        return dg.MetadataValue.timestamp(value)
    return dg.MetadataValue.md(value) if isinstance(value, Markdown) else value


def _of_columns(columns: Sequence[ColumnInfo]) -> dict[str, Any]:
    found: dict[str, Any] = {COLUMN_SCHEMA: column_schema(columns)}
    deps = {
        column.name: [
            dg.TableColumnDep(asset_key=dg.AssetKey(key.split("/")), column_name=name)
            for key, name in column.comes_from
        ]
        for column in columns
        if column.comes_from
    }
    if deps:
        found[COLUMN_LINEAGE] = dg.TableColumnLineage(deps_by_column=deps)
    return found


def _code_references(
    references: Iterable[tuple[Path, int, str]],
) -> dg.CodeReferencesMetadataValue:
    with warnings.catch_warnings():
        # beta in Dagster 1.13: said here once, not to everyone who starts a project
        warnings.filterwarnings("ignore", category=dg.BetaWarning, message=".*CodeReference")
        return dg.CodeReferencesMetadataValue(
            code_references=[
                dg.LocalFileCodeReference(file_path=str(file), line_number=line, label=label)
                for file, line, label in references
            ]
        )
