"""PostgreSQL by ADBC: Arrow in, COPY underneath; loads of one dataset queue by an advisory lock."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import pyarrow as pa
import pyarrow.types as pt
from pydantic import Field, SecretStr

from odp_dlt.destinations.adbc import AdbcSession, driver
from odp_dlt.destinations.base import Destination, Session
from odp_dlt.destinations.rows import Rows
from odp_dlt.destinations.sql import DISPOSITIONS, STRATEGIES
from odp_dlt.destinations.statements import literal, quoted
from odp_dlt.errors import ConfigError, DestinationBusy, DestinationError, OdpError
from odp_dlt.schema.model import Column, Disposition, Table
from odp_dlt.settings import Settings

_RETRIED = frozenset({"55P03", "40001", "40P01"})  # lock timeout, serialization, deadlock

_TYPES = {
    "double": "double precision", "bool": "boolean", "date": "date", "binary": "bytea",
    "json": "jsonb", "wei": "numeric(156,78)",
}  # fmt: skip
_DIGITS = 6


def type_name(column: Column) -> str:
    """PostgreSQL's type for a schema column, as dlt chooses it."""
    match column.data_type:
        case "text":
            return f"character varying({column.precision})" if column.precision else "varchar"
        case "bigint":
            bits = column.precision or 64
            names = ((16, "smallint"), (32, "integer"), (64, "bigint"))
            return next((name for most, name in names if bits <= most), "numeric(38,0)")
        case "decimal":
            scale = 9 if column.scale is None else column.scale
            return f"numeric({column.precision or 38},{scale})"
        case "timestamp":
            zone = "without" if column.timezone is False else "with"
            return f"timestamp{_digits(column)} {zone} time zone"
        case "time":
            return f"time{_digits(column)} without time zone"
        case None:
            raise ValueError(f"column '{column.name}' has no type")
        case other:
            return _TYPES[other]


def _digits(column: Column) -> str:
    if column.precision is None:
        return ""
    if column.precision > _DIGITS:
        raise ConfigError(
            f"PostgreSQL keeps microseconds, and column '{column.name}' has "
            f"{column.precision} digits of a second",
            hint=f"Declare it with a precision of at most {_DIGITS}.",
        )
    return f"({column.precision})"


def _copied_as(arrow: pa.DataType) -> str | None:
    """The type whose binary form COPY sends for `arrow`."""
    for is_type, name in _COPIED:
        if is_type(arrow):
            return name
    if pt.is_timestamp(arrow):
        return f"timestamp with{'' if arrow.tz else 'out'} time zone"
    return None


_COPIED = (
    (pt.is_string, "character varying"), (pt.is_boolean, "boolean"), (pt.is_int16, "smallint"),
    (pt.is_int8, "smallint"), (pt.is_int32, "integer"), (pt.is_int64, "bigint"),
    (pt.is_float64, "double precision"), (pt.is_date32, "date"), (pt.is_binary, "bytea"),
    (pt.is_decimal, "numeric"), (pt.is_time, "time without time zone"),
)  # fmt: skip


def _without_modifier(name: str) -> str:
    """`timestamp(3) with time zone` → `timestamp with time zone`."""
    head, _, rest = name.partition("(")
    return head + rest.partition(")")[2]


class PostgresSession(AdbcSession):
    """A session in one transaction of one connection."""

    product: ClassVar[str] = "PostgreSQL"

    def columns(self, table: str) -> dict[str, str]:
        found = self.query(
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type_name "
            "FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid "
            "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            "WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped "
            "ORDER BY a.attnum",
            [self.dataset, table],
        ).to_pydict()
        return dict(zip(found["attname"], found["type_name"], strict=True))

    def settled(self) -> Sequence[str]:
        return [f"SET LOCAL search_path TO {quoted(self.dataset)}, public"]

    def ingest(self, table: Table, rows: pa.RecordBatchReader) -> int:
        columns = self.columns(table.name)
        if self._can_copy(rows.schema, columns):
            return self.put(
                table.name, Rows(rows, rows.schema), mode="append", db_schema_name=self.dataset
            )
        count = self.stage("odp_rows", rows)
        casts, names = self.casts(table), rows.schema.names
        values = (casts.get(n, "{}").format(quoted(n)) for n in names)
        self.run(
            f"INSERT INTO {self.named(table.name)} ({', '.join(map(quoted, names))}) "
            f"SELECT {', '.join(values)} FROM odp_rows"
        )
        self.run("DROP TABLE odp_rows")
        return count

    def stage(self, name: str, rows: pa.RecordBatchReader) -> int:
        count = self.put(name, Rows(rows, rows.schema), mode="create", temporary=True)
        self.run(f"ANALYZE {name}")
        return count

    def casts(self, table: Table) -> Mapping[str, str]:
        to_json = "CAST({} AS jsonb)"
        return {n: to_json for n, c in table.typed_columns().items() if c.data_type == "json"}

    def type_name(self, column: Column) -> str:
        return type_name(column)

    def refusal(self, error: Exception, at: str) -> OdpError:
        return refusal(error, at, product=self.product)

    def take_turn(self, wait_s: float) -> None:
        """Wait until no other load into the dataset runs, and make the dataset if it is missing."""
        self.run(f"SET LOCAL lock_timeout = {int(wait_s * 1000)}")
        name = literal(f"odp_dlt {self.dataset}")
        self.query(f"SELECT pg_advisory_xact_lock(hashtextextended({name}, 0))::text")
        self.run(f"CREATE SCHEMA IF NOT EXISTS {quoted(self.dataset)}")

    def read_only(self) -> None:
        """Let nothing be written."""
        self.run("SET TRANSACTION READ ONLY")

    def _can_copy(self, schema: pa.Schema, columns: Mapping[str, str]) -> bool:
        """Whether COPY's binary form of every column is that of the table's."""
        return all(_copied_as(f.type) == _without_modifier(columns[f.name]) for f in schema)


def refusal(
    error: Exception, at: str, secret: str | None = None, product: str = "PostgreSQL"
) -> OdpError:
    """What a person is told of a driver's error, without what only the driver knows."""
    text = str(error).partition("PGRES_FATAL_ERROR")[2].lstrip(" ]:") or str(error)
    text = " ".join(text.partition(". SQLSTATE")[0].removeprefix("ERROR:").split())
    if secret:
        text = text.replace(secret, "***")
    if getattr(error, "sqlstate", None) in _RETRIED:
        return DestinationBusy(
            f"{product}: {text}",
            at=at,
            hint="Run again, or raise `wait_s` of the destination.",
        )
    return DestinationError(f"{product} refused: {text}", at=at)


class Postgres(Destination):
    """A PostgreSQL database; a dataset is a schema in it.

    Given as a `connection_string`, or by its parts. What is not given comes from the settings:
    `[destination.postgres.credentials]` with host, port, username, password and database, or
    `credentials` as a connection string.
    """

    dispositions: ClassVar[frozenset[Disposition]] = DISPOSITIONS
    strategies: ClassVar[frozenset[str]] = STRATEGIES
    max_identifier: ClassVar[int] = 63
    main_param: ClassVar[str] = "connection_string"
    product: ClassVar[str] = "PostgreSQL"

    connection_string: SecretStr | None = None
    host: str | None = None
    port: int | None = None
    user: str | None = None
    database: str | None = None
    password: SecretStr | None = None
    wait_s: float = Field(default=600.0, gt=0)

    def with_settings(self, settings: Settings) -> Self:
        """This destination with what it was not given, as far as the settings have it."""
        found: dict[str, Any] = {}
        if self.connection_string is None and self.host is None:
            whole = self._setting(settings, "credentials", str, secret=True)
            found["connection_string"] = None if whole is None else SecretStr(whole)
        for key, field in (("host", "host"), ("username", "user"), ("database", "database")):
            found[field] = getattr(self, field) or self._setting(
                settings, f"credentials.{key}", str
            )
        found["port"] = self.port or self._setting(settings, "credentials.port", int)
        password = self._setting(settings, "credentials.password", str, secret=True)
        if self.password is None and password is not None:
            found["password"] = SecretStr(password)
        return super().with_settings(settings).model_copy(update=found)

    @contextmanager
    def open(self, dataset: str, *, write: bool = True) -> Iterator[Session]:
        with self._connected() as con:
            session = self._session(dataset, con)
            if write:
                session.take_turn(self.wait_s)
            else:
                session.read_only()
            yield session
            if write:
                self._commit(con, dataset)

    def address(self, dataset: str, table: str) -> str:
        return f"{dataset}.{table}"

    def location(self) -> str:
        parts = self._parts()
        return f"{parts.get('host', 'localhost')}/{parts.get('dbname', '')}".rstrip("/")

    def type_name(self, column: Column) -> str | None:
        return type_name(column) if column.data_type else None

    def _session(self, dataset: str, con: Any) -> PostgresSession:
        """The session of this kind of database."""
        return PostgresSession(dataset, con)

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        """A connection in a transaction, which is rolled back unless it is committed."""
        known = self.with_settings(Settings((), os.environ))  # a run exports its secrets
        parts, postgres = known._parts(), driver("postgresql", self.name)
        info = " ".join(f"{key}={_escaped(value)}" for key, value in parts.items())
        try:
            con = postgres.connect(info)
        except postgres.Error as e:
            raise refusal(e, known.location(), parts.get("password"), self.product) from e
        try:
            yield con
        finally:
            con.close()

    def _commit(self, con: Any, dataset: str) -> None:
        from adbc_driver_manager.dbapi import Error

        try:
            con.commit()
        except Error as e:
            raise refusal(e, dataset) from e

    def _setting(self, settings: Settings, key: str, kind: type, *, secret: bool = False) -> Any:
        sections = ("destination", self.name)
        return settings.resolve(key, sections=sections, hint=kind, secret=secret, default=None)

    def _parts(self) -> dict[str, str]:
        """libpq's keywords; those given one by one win over the connection string."""
        given = {"host": self.host, "port": self.port, "user": self.user, "dbname": self.database}
        parts = _split(self.connection_string)
        parts |= {key: str(value) for key, value in given.items() if value is not None}
        if self.password is not None:
            parts["password"] = self.password.get_secret_value()
        return parts


def _split(secret: SecretStr | None) -> dict[str, str]:
    """The parts of a connection string, a URI or libpq's `key=value` pairs."""
    if secret is None:
        return {}
    text = secret.get_secret_value()
    if "://" not in text:
        return dict(pair.partition("=")[::2] for pair in text.split())
    try:
        uri = urlsplit(text)
        port = uri.port
    except ValueError as e:
        raise ConfigError("the connection string is no URI") from e
    found = {"host": uri.hostname, "port": port, "user": uri.username, "password": uri.password}
    parts = {key: unquote(str(value)) for key, value in found.items() if value is not None}
    if uri.path.strip("/"):
        parts["dbname"] = unquote(uri.path.strip("/"))
    return {**parts, **dict(parse_qsl(uri.query))}


def _escaped(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
