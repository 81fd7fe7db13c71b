"""`task_type: duckdb_query`: SQL in a DuckDB database, all statements in one transaction."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from odp_dlt.destinations.base import TableView
from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.resources.duckdb import DuckDB
from odp_dlt.tasks.base import ColumnInfo, Context, Done, Planned, Scalar, Site, Task

if TYPE_CHECKING:  # the driver is imported by a run alone
    from duckdb import DuckDBPyConnection

_GAP = r"(?:\s|--[^\n]*\n|/\*.*?\*/)"
_NAME = r'(?:"(?:[^"]|"")+"|\w+)'
_CREATES = re.compile(
    rf"{_GAP}*CREATE{_GAP}+(?:OR{_GAP}+REPLACE{_GAP}+)?(?:TEMP(?:ORARY)?{_GAP}+)?(?:TABLE|VIEW){_GAP}+"
    rf"(?:IF{_GAP}+NOT{_GAP}+EXISTS{_GAP}+)?(?P<name>{_NAME}(?:\s*\.\s*{_NAME})*)",
    re.IGNORECASE | re.DOTALL,
)
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


@dataclass(frozen=True)
class _Sql:
    """The text of a task, and the file it stands in, if it has one of its own."""

    text: str
    file: Path | None

    def at(self, offset: int) -> str | None:
        """Where a place in the text is; None if the text stands in the YAML."""
        if self.file is None:
            return None
        return f"{self.file}:{self.text.count(chr(10), 0, offset) + 1}"

    def refused(self, error: Exception, offset: int) -> SourceError:
        """What DuckDB said against the statement at `offset`."""
        return SourceError(f"DuckDB refuses the SQL: {error}", at=self.at(offset))

    def statements(self) -> list[tuple[int, str]]:
        """Each statement, with where it begins in the text."""
        import duckdb

        try:
            parsed = duckdb.extract_statements(self.text)
        except duckdb.Error as e:
            raise self.refused(e, 0) from e
        found: list[tuple[int, str]] = []
        end = 0
        for statement in parsed:
            offset = self.text.index(statement.query, end)
            end = offset + len(statement.query)
            if statement.type == duckdb.StatementType.TRANSACTION:
                raise ConfigError(
                    f"the SQL holds '{statement.query.strip()}', but all of it is one transaction",
                    at=self.at(offset),
                    hint="Leave out BEGIN, COMMIT and ROLLBACK.",
                )
            found.append((offset, statement.query))
        if not found:
            raise ConfigError("the SQL holds no statement", at=self.at(0))
        return found


class DuckdbQuery(Task):
    """`query` is SQL, or with `is_file` the path of an SQL file, in which no templates are filled.

    The asset reports the last table or view that it creates; else the size of its last SELECT.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"duckdb"})

    query: str
    is_file: bool = False

    def assets(self, asset_key: str, site: Site) -> list[Planned]:
        """The one asset, and the file of its SQL, which must be there."""
        file = self._sql(site).file
        return [Planned(asset_key, kinds=frozenset({"duckdb", "sql"}), file=file)]

    def run(self, context: Context) -> Iterator[Done]:
        """Run the statements and commit. SourceError if DuckDB refuses one; then nothing stays."""
        resource = context.site.resource("duckdb")
        assert isinstance(resource, DuckDB)
        sql = self._sql(context.site)
        statements = sql.statements()
        reads = all(_is_select(text) for _, text in statements)
        with resource.connection(write=not reads) as con:
            done = _Run(con, sql).all(statements, context.progress)
        yield Done(context.asset_key, done.metadata, done.columns)

    @contextmanager
    def look(
        self, context: Context, reported: Mapping[str, Mapping[str, Any]]
    ) -> Iterator[Mapping[str, TableView]]:
        from odp_dlt.destinations.duckdb import DuckdbSession

        resource = context.site.resource("duckdb")
        assert isinstance(resource, DuckDB)
        made = reported.get(context.asset_key, {}).get("destination_table_id")
        if made is None:
            raise ConfigError(
                f"no run of '{context.asset_key}' has told of a table",
                hint="A check looks at the table or view that the SQL creates.",
            )
        dataset, _, table = str(made).partition(".")
        with resource.connection(write=False) as con:
            yield {context.asset_key: TableView(DuckdbSession(dataset, con), table)}

    def _sql(self, site: Site) -> _Sql:
        if not self.is_file:
            return _Sql(self.query, None)
        file = site.root / self.query
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as e:
            raise ConfigError(
                f"the SQL file '{self.query}' cannot be read: {e.strerror}",
                at=file,
                hint=f"A relative path counts from {site.root}.",
            ) from e
        if "{{" in text:
            raise ConfigError(
                "the SQL file holds a template, and templates are filled in the YAML alone",
                at=f"{file}:{text.count(chr(10), 0, text.index('{{')) + 1}",
                hint="Write the SQL into `query` itself, without `is_file`.",
            )
        return _Sql(text, file)


@dataclass(frozen=True)
class _Outcome:
    metadata: dict[str, Scalar]
    columns: tuple[ColumnInfo, ...] | None = None


@dataclass(frozen=True)
class _Run:
    """One execution of the statements of `sql`, on one connection."""

    con: "DuckDBPyConnection"
    sql: _Sql

    def all(self, statements: list[tuple[int, str]], progress: Callable[[str], None]) -> _Outcome:
        """Every statement, in one transaction; what is to be reported of them."""
        import duckdb

        created: list[str] = []
        outcome = _Outcome({})
        self.con.execute("BEGIN")
        for number, (offset, text) in enumerate(statements, 1):
            progress(f"statement {number} of {len(statements)}")
            outcome = self._execute(text, offset) or outcome
            if target := _CREATES.match(text):
                created.append(target.group("name"))
        tables = (self._described(name) for name in reversed(created))
        outcome = next((table for table in tables if table is not None), outcome)
        try:
            self.con.execute("COMMIT")
        except duckdb.Error as e:
            raise self.sql.refused(e, 0) from e
        return outcome

    def _execute(self, text: str, offset: int) -> _Outcome | None:
        """What a SELECT returned, in numbers; its rows are read and dropped. None for the rest."""
        import duckdb

        try:
            if not _is_select(text):
                self.con.execute(text)
                return None
            rows = self.con.sql(text)
            batches = rows.to_arrow_reader(100_000)
            counted = sum(batch.num_rows for batch in batches)
        except duckdb.Error as e:
            raise self.sql.refused(e, offset) from e
        return _Outcome({"row_count": counted, "column_names": ", ".join(rows.columns)})

    def _described(self, name: str) -> _Outcome | None:
        """The table or view `name`: its address, size and columns. None if it is gone again."""
        parts = [part.strip() for part in re.findall(_NAME, name)]
        plain = [p[1:-1].replace('""', '"') if p.startswith('"') else p for p in parts]
        scope = plain[-2] if len(plain) > 1 else None
        found = self.con.execute(_FIND, {"name": plain[-1], "scope": scope}).fetchone()
        if found is None:
            return None
        _, schema, table = found
        rows = self.con.execute(f"SELECT count(*) FROM {name}").fetchone()
        columns = self.con.execute(f"DESCRIBE {name}").fetchall()
        return _Outcome(
            {
                "destination_table_id": f"{schema}.{table}",
                "dagster/row_count": int(rows[0]) if rows else 0,
            },
            tuple(ColumnInfo(str(c[0]), str(c[1]), nullable=c[2] != "NO") for c in columns),
        )


def _is_select(text: str) -> bool:
    import duckdb

    return bool(duckdb.extract_statements(text)[0].type == duckdb.StatementType.SELECT)
