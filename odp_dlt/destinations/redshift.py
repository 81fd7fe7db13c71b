"""Amazon Redshift: PostgreSQL's SQL, but rows come in by COPY from files in S3, not by the wire.

Rows are written to `staging_url` as Parquet, copied into a temporary table of just their columns,
and taken from there, in one transaction.
"""

import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt
from pydantic import Field

from odp_dlt.destinations.files.access import Credentials, open_store
from odp_dlt.destinations.files.store import Store
from odp_dlt.destinations.postgres import Postgres, PostgresSession
from odp_dlt.destinations.statements import literal, qualified, quoted
from odp_dlt.errors import ConfigError
from odp_dlt.schema.model import Column, Table

TURN = "_odp_turn"
"""The table that a load locks, as Redshift has no advisory locks."""

_TYPES = {
    "text": "varchar(max)", "double": "double precision", "bool": "boolean", "date": "date",
    "binary": "varbyte", "json": "super", "time": "time without time zone", "wei": "numeric(38,0)",
}  # fmt: skip
_STAGED = (
    (pt.is_boolean, "boolean"), (pt.is_int8, "smallint"), (pt.is_int16, "smallint"),
    (pt.is_int32, "integer"), (pt.is_integer, "bigint"), (pt.is_float64, "double precision"),
    (pt.is_date32, "date"), (pt.is_binary, "varbyte"), (pt.is_string, "varchar(max)"),
    (pt.is_time, "varchar(max)"),
)  # fmt: skip


def type_name(column: Column) -> str:
    """Redshift's type for a schema column, as dlt chooses it."""
    match column.data_type:
        case "text" | "binary" if column.precision:
            kind = "varchar" if column.data_type == "text" else "varbyte"
            return f"{kind}({column.precision})"
        case "bigint":
            bits = column.precision or 64
            names = ((16, "smallint"), (32, "integer"), (64, "bigint"))
            return next((name for most, name in names if bits <= most), "numeric(38,0)")
        case "decimal":
            scale = 9 if column.scale is None else column.scale
            return f"numeric({column.precision or 38},{scale})"
        case "timestamp":
            return f"timestamp with{'out' if column.timezone is False else ''} time zone"
        case None:
            raise ValueError(f"column '{column.name}' has no type")
        case other:
            return _TYPES[other]


def staged_type(arrow: pa.DataType) -> str:
    """The type of a staged column; times wait as text, as COPY reads none from Parquet."""
    for is_type, name in _STAGED:
        if is_type(arrow):
            return name
    if pt.is_decimal(arrow):
        return f"numeric({arrow.precision},{arrow.scale})"
    return f"timestamp with{'' if arrow.tz else 'out'} time zone"


def conversion(column: Column) -> str | None:
    """The SQL by which a staged value becomes the column's, `{}` in it; None if it is that."""
    return {"json": "JSON_PARSE({})", "time": "CAST({} AS time)"}.get(str(column.data_type))


def stage_table(name: str, schema: pa.Schema) -> str:
    """CREATE of a temporary table that rows are copied into."""
    columns = ", ".join(f"{quoted(f.name)} {staged_type(f.type)}" for f in schema)
    return f"CREATE TEMPORARY TABLE {name} ({columns})"


def copy(name: str, url: str, iam_role: str) -> str:
    """COPY of all Parquet files whose names begin with `url`."""
    role = "default" if iam_role == "default" else literal(iam_role)
    return f"COPY {name} FROM {literal(url)} IAM_ROLE {role} FORMAT AS PARQUET"


def turn(dataset: str) -> list[str]:
    """The statements after which no other load into `dataset` runs until the commit."""
    table = qualified(dataset, TURN)
    return [
        f"CREATE SCHEMA IF NOT EXISTS {quoted(dataset)}",
        f"CREATE TABLE IF NOT EXISTS {table} (turn bigint)",
        f"LOCK {table}",
    ]


def staged_schema(schema: pa.Schema) -> pa.Schema:
    """The columns of a staged file: times as text."""
    return pa.schema([(f.name, pa.string() if pt.is_time(f.type) else f.type) for f in schema])


class RedshiftSession(PostgresSession):
    """A session in one transaction of one connection."""

    product: ClassVar[str] = "Redshift"

    def __init__(self, dataset: str, con: Any, staging: Store, iam_role: str) -> None:
        super().__init__(dataset, con)
        self.staging = staging
        self.iam_role = iam_role

    def stage(self, name: str, rows: pa.RecordBatchReader) -> int:
        self.run(stage_table(name, rows.schema))
        path, count = f"{secrets.token_hex(8)}.parquet", 0
        schema = staged_schema(rows.schema)
        try:
            with (
                self.staging.sink(path) as sink,
                pq.ParquetWriter(sink, schema) as out,
            ):
                for batch in rows:
                    out.write_batch(batch.cast(schema))
                    count += batch.num_rows
            self.run(copy(name, f"{self.staging.uri}/{path}", self.iam_role))
        finally:
            self.staging.delete(path)
        return count

    def casts(self, table: Table) -> Mapping[str, str]:
        found = ((name, conversion(column)) for name, column in table.typed_columns().items())
        return {name: sql for name, sql in found if sql is not None}

    def type_name(self, column: Column) -> str:
        return type_name(column)

    def take_turn(self, wait_s: float) -> None:
        self.run(f"SET statement_timeout TO {int(wait_s * 1000)}")
        for statement in turn(self.dataset):
            self.run(statement)
        self.run("SET statement_timeout TO 0")

    def read_only(self) -> None:
        """Nothing to do: a session that reads is never committed."""

    def _can_copy(self, schema: pa.Schema, columns: Mapping[str, str]) -> bool:
        return False


class Redshift(Postgres):
    """A cluster or workgroup. `iam_role`, or `default`, lets it read the files in `staging_url`.

    What is not given comes from `[destination.redshift.credentials]`, as for PostgreSQL. The keys
    for writing to `staging_url` come from where Amazon's own client looks.
    """

    max_identifier: ClassVar[int] = 127
    product: ClassVar[str] = "Redshift"

    staging_url: str | None = Field(default=None, pattern="^s3://")
    iam_role: str = "default"

    def type_name(self, column: Column) -> str | None:
        return type_name(column) if column.data_type else None

    def _session(self, dataset: str, con: Any) -> RedshiftSession:
        if self.staging_url is None:
            raise ConfigError(
                "the redshift destination has no staging_url, and rows reach it by files alone",
                hint="Give it one: `destination_params: {staging_url: s3://BUCKET/staging}`.",
            )
        staging = open_store(self.staging_url.rstrip("/"), Credentials())
        return RedshiftSession(dataset, con, staging, self.iam_role)

    def _parts(self) -> dict[str, str]:
        return {"port": "5439", "sslmode": "require", **super()._parts()}
