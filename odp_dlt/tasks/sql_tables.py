"""Tables as SQL tasks name them in YAML, and what is reported of one."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator

from odp_dlt.destinations.base import TableView
from odp_dlt.destinations.statements import qualified
from odp_dlt.errors import ConfigError
from odp_dlt.resources.duckdb import DuckDB
from odp_dlt.tasks.base import ColumnInfo, Context, Done, Scalar
from odp_dlt.tasks.params import holds_template

if TYPE_CHECKING:  # the driver is imported by a run alone
    from duckdb import DuckDBPyConnection

_PART = r'(?:"(?:[^"]|"")+"|[^".][^.]*)'
_TABLE_ID = re.compile(rf"{_PART}(?:\.{_PART}){{0,2}}")
_FIND = """
SELECT database_name, schema_name, name FROM (
    SELECT database_name, schema_name, table_name AS name FROM duckdb_tables()
    UNION ALL SELECT database_name, schema_name, view_name FROM duckdb_views()
)
WHERE lower(name) = lower($name)
    AND ($scope IS NULL AND schema_name = current_schema()
         OR lower(schema_name) = lower($scope) OR lower(database_name) = lower($scope))
ORDER BY lower(schema_name) = lower($scope) DESC
LIMIT 1
"""


def _checked(table_id: str) -> str:
    if not (holds_template(table_id) or _TABLE_ID.fullmatch(table_id)):
        raise ValueError("it is no `table`, `schema.table` or `database.schema.table`")
    return table_id


TableId = Annotated[str, AfterValidator(_checked)]
"""`table`, `schema.table` or `database.schema.table`; a part that holds a dot stands in quotes."""


def names_of(table_id: str) -> list[str]:
    """The parts of a table id, without their quotes."""
    parts = re.findall(_PART, table_id)
    return [p[1:-1].replace('""', '"') if p.startswith('"') else p.strip() for p in parts]


def known_name(table_id: str | None) -> str | None:
    """The name of a DuckDB table as it will be reported; None as long as it is not known."""
    if table_id is None or holds_template(table_id):
        return None
    return ".".join(["main", *names_of(table_id)][-2:])


def sql_name(table_id: str) -> str:
    """A table id as SQL."""
    return qualified(*names_of(table_id))


def schema_for(table_id: str) -> list[str]:
    """The statement that makes the table's schema, if the id names one."""
    names = names_of(table_id)[:-1]
    return [f"CREATE SCHEMA IF NOT EXISTS {qualified(*names)}"] if names else []


def done(
    asset_key: str, table_id: str, rows: int, columns: Iterable[ColumnInfo], **more: Scalar
) -> Done:
    """A table that is there now, with all `rows` that it holds."""
    found = tuple(columns)
    metadata: dict[str, Scalar] = {
        "destination_table_id": table_id,
        "row_count": rows,
        "dagster/row_count": rows,
        "column_names": ", ".join(column.name for column in found),
        **more,
    }
    return Done(asset_key, metadata, found)


def described(con: "DuckDBPyConnection", asset_key: str, table_id: str) -> Done | None:
    """The table or view of a DuckDB database, as it is now. None if it is not there."""
    names = names_of(table_id)
    scope = names[-2] if len(names) > 1 else None
    found = con.execute(_FIND, {"name": names[-1], "scope": scope}).fetchone()
    if found is None:
        return None
    name = sql_name(table_id)
    rows = con.execute(f"SELECT count(*) FROM {name}").fetchone()
    columns = con.execute(f"DESCRIBE {name}").fetchall()
    return done(
        asset_key,
        f"{found[1]}.{found[2]}",
        int(rows[0]) if rows else 0,
        (ColumnInfo(str(c[0]), str(c[1]), nullable=c[2] != "NO") for c in columns),
    )


def reported_table(context: Context, reported: Mapping[str, Mapping[str, Any]]) -> str:
    """The id of the asset's table, as it was last reported. ConfigError if it never was."""
    found = reported.get(context.asset_key, {}).get("destination_table_id")
    if found is None:
        raise ConfigError(
            f"no run of '{context.asset_key}' has told of a table",
            hint="A check looks at the table or view that a run has made.",
        )
    return str(found)


@contextmanager
def looked(
    context: Context, reported: Mapping[str, Mapping[str, Any]]
) -> Iterator[Mapping[str, TableView]]:
    """The asset's table in the database of the resource `duckdb`, to be read."""
    from odp_dlt.destinations.duckdb import DuckdbSession

    dataset, _, table = reported_table(context, reported).partition(".")
    resource = context.site.resource("duckdb")
    assert isinstance(resource, DuckDB)
    with resource.connection(write=False) as con:
        yield {context.asset_key: TableView(DuckdbSession(dataset, con), table)}
