"""The schema of a source that was never loaded: dlt's settings, normalizers and own tables."""

from odp_dlt.errors import ConfigError
from odp_dlt.schema.model import (
    ID,
    LIST_IDX,
    LOAD_ID,
    LOADS_TABLE,
    PARENT_ID,
    PARTITIONS_TABLE,
    ROOT_ID,
    STATE_TABLE,
    VERSION_TABLE,
    Column,
    DataType,
    Schema,
    Table,
)
from odp_dlt.schema.naming import naming_convention

JSON_NORMALIZER = "dlt.common.normalizers.json.relational"
LONGEST_NAME = 64


def new_schema(name: str, naming: str = "snake_case", max_nesting: int | None = None) -> Schema:
    """The schema that dlt starts a source called `name` with; it has no version yet.

    ConfigError for a name that dlt does not take, or a naming convention that is not known.
    """
    if not name.isidentifier() or len(name) > LONGEST_NAME:
        raise ConfigError(
            f"'{name}' cannot be the name of a schema",
            hint=f"A schema is named like a Python variable, in up to {LONGEST_NAME} characters.",
        )
    naming_convention(naming)
    json: dict[str, object] = {"module": JSON_NORMALIZER}
    if max_nesting is not None:
        json["config"] = {"max_nesting": max_nesting}
    return Schema(
        name,
        tables={VERSION_TABLE: _version_table(), LOADS_TABLE: _loads_table()},
        settings={"detections": ["iso_timestamp"], "default_hints": _default_hints()},
        normalizers={"names": naming, "json": json},
    )


def state_table() -> Table:
    """The table of the pipeline's memory. dlt adds it with the first state, so it has seen data."""
    columns = (
        _column("version", "bigint", "Numeric version of the pipeline state"),
        _column("engine_version", "bigint", "Version of the dlt state engine"),
        _column("pipeline_name", "text", "Name of the pipeline this state belongs to"),
        _column("state", "text", "Compressed JSON representation of the pipeline state"),
        _column("created_at", "timestamp", "Timestamp when this state was created"),
        _column(
            "version_hash",
            "text",
            "Hash of the state content, used to detect changes",
            nullable=True,
        ),
        _column(
            LOAD_ID, "text", "Load identifier linking this row to its load operation", precision=64
        ),
        Column(ID, "text", nullable=False, hints={"unique": True, "row_key": True}),
    )
    return Table(
        STATE_TABLE,
        {column.name: column for column in columns},
        resource=STATE_TABLE,
        write_disposition="append",
        seen_data=True,
        hints={"file_format": "preferred"},
    )


def partitions_table() -> Table:
    """The table that says which load brought which part of a table. It is in no schema."""
    columns = (
        _column("partition", "text", "What the rows are a part of"),
        _column("table_name", "text", "The root table they were appended to"),
        _column(LOAD_ID, "text", "The load that brought them"),
        _column("inserted_at", "timestamp", "When that was"),
    )
    return Table(
        PARTITIONS_TABLE,
        {column.name: column for column in columns},
        resource=PARTITIONS_TABLE,
        write_disposition="append",
    )


def _version_table() -> Table:
    return _skipped(
        VERSION_TABLE,
        "Created by DLT. Tracks schema updates",
        _column(
            "version", "bigint", "Numeric version of the schema, incremented on each schema change"
        ),
        _column(
            "engine_version", "bigint", "Version of the dlt schema engine that created this schema"
        ),
        _column("inserted_at", "timestamp", "Timestamp when this schema version was stored"),
        _column("schema_name", "text", "Name of the schema"),
        _column(
            "version_hash", "text", "Unique hash of the schema content, used to detect changes"
        ),
        _column("schema", "text", "JSON representation of the complete schema definition"),
    )


def _loads_table() -> Table:
    return _skipped(
        LOADS_TABLE,
        "Created by DLT. Tracks completed loads",
        _column("load_id", "text", "Unique identifier of the load operation", precision=64),
        _column(
            "schema_name", "text", "Name of the schema associated with this load", nullable=True
        ),
        _column("status", "bigint", "Status of the load operation (0 = success)"),
        _column("inserted_at", "timestamp", "Timestamp when the load was completed"),
        _column(
            "schema_version_hash",
            "text",
            "Hash of the schema version used during this load",
            nullable=True,
        ),
    )


def _skipped(name: str, description: str, *columns: Column) -> Table:
    return Table(
        name,
        {column.name: column for column in columns},
        resource=name,
        write_disposition="skip",
        description=description,
    )


def _column(
    name: str,
    data_type: DataType,
    description: str,
    *,
    nullable: bool = False,
    precision: int | None = None,
) -> Column:
    return Column(name, data_type, nullable, precision, description=description)


def _default_hints() -> dict[str, list[str]]:
    return {
        "not_null": [ID, ROOT_ID, PARENT_ID, LIST_IDX, LOAD_ID],
        "parent_key": [PARENT_ID],
        "root_key": [ROOT_ID],
        "unique": [ID],
        "row_key": [ID],
    }
