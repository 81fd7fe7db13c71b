"""`task_type: duckdb_query`: SQL in a DuckDB database, all statements in one transaction."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from odp_dlt.destinations.base import TableView
from odp_dlt.errors import ConfigError
from odp_dlt.resources.duckdb import DuckDB
from odp_dlt.tasks.base import Context, Done, Planned, Site, Task
from odp_dlt.tasks.sql_tables import TableId, described, known_name, looked, schema_for, sql_name
from odp_dlt.tasks.sql_text import SqlText, sql_text

if TYPE_CHECKING:  # the driver is imported by a run alone
    from duckdb import DuckDBPyConnection

_GAP = r"(?:\s|--[^\n]*\n|/\*.*?\*/)"
_NAME = r'(?:"(?:[^"]|"")+"|\w+)'
_CREATES = re.compile(
    rf"{_GAP}*CREATE{_GAP}+(?:OR{_GAP}+REPLACE{_GAP}+)?(?:TEMP(?:ORARY)?{_GAP}+)?(?:TABLE|VIEW){_GAP}+"
    rf"(?:IF{_GAP}+NOT{_GAP}+EXISTS{_GAP}+)?(?P<name>{_NAME}(?:\s*\.\s*{_NAME})*)",
    re.IGNORECASE | re.DOTALL,
)

_Statement = tuple[int, str]  # where it begins in the text, and itself


class DuckdbQuery(Task):
    """`query` is SQL, or with `is_file` the path of an SQL file, which may hold templates too.

    With `destination_table_id` the one SELECT of the query becomes that table, which is replaced.
    Else the asset reports the last table or view that the query creates, or the size of its last
    SELECT.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"duckdb"})

    query: str
    is_file: bool = False
    destination_table_id: TableId | None = None

    def assets(self, asset_key: str, site: Site) -> list[Planned]:
        """The one asset, and the file of its SQL, which must be there."""
        file = sql_text(self.query, self.is_file, site).file
        table = known_name(self.destination_table_id)
        kinds = frozenset({"duckdb", "sql"})
        return [Planned(asset_key, table_name=table, kinds=kinds, file=file)]

    def texts(self, site: Site) -> Mapping[Path, str]:
        """The SQL file."""
        return sql_text(self.query, self.is_file, site).texts()

    def run(self, context: Context) -> Iterator[Done]:
        """Run the statements and commit. SourceError if DuckDB refuses one; then nothing stays."""
        resource = context.site.resource("duckdb")
        assert isinstance(resource, DuckDB)
        sql = sql_text(self.query, self.is_file, context.site).rendered(context.render)
        statements = _statements(sql)
        target = self.destination_table_id
        if target is not None and not (len(statements) == 1 and _is_select(statements[0][1])):
            raise ConfigError(
                f"the SQL is not one SELECT, so it cannot become '{target}'",
                at=sql.at(0),
                hint="Create the tables in the SQL, without `destination_table_id`.",
            )
        reads = target is None and all(_is_select(text) for _, text in statements)
        with resource.connection(write=not reads) as con:
            yield _Run(con, sql, context).all(statements, target)

    @contextmanager
    def look(
        self, context: Context, reported: Mapping[str, Mapping[str, Any]]
    ) -> Iterator[Mapping[str, TableView]]:
        """The table or view that was reported last."""
        with looked(context, reported) as found:
            yield found


@dataclass(frozen=True)
class _Run:
    """One execution of statements of `sql`, on one connection."""

    con: "DuckDBPyConnection"
    sql: SqlText
    context: Context

    def all(self, statements: list[_Statement], target: str | None) -> Done:
        """Every statement, in one transaction; what is to be reported of them."""
        import duckdb

        created: list[str] = []
        outcome = Done(self.context.asset_key)
        self.con.execute("BEGIN")
        if target is not None:
            outcome = self._becomes(target, statements[0]) or outcome
            statements = []
        for number, (offset, text) in enumerate(statements, 1):
            self.context.progress(f"statement {number} of {len(statements)}")
            outcome = self._execute(text, offset) or outcome
            if made := _CREATES.match(text):
                created.append(re.sub(r"\s*\.\s*", ".", made.group("name")))
        key = self.context.asset_key
        tables = (described(self.con, key, name) for name in reversed(created))
        outcome = next((table for table in tables if table is not None), outcome)
        try:
            self.con.execute("COMMIT")
        except duckdb.Error as e:
            raise self.sql.refused("DuckDB", e, 0) from e
        return outcome

    def _becomes(self, target: str, select: _Statement) -> Done | None:
        """Replace the table `target` by the rows of `select`, which may read the old ones."""
        query = select[1].strip().rstrip(";")
        for text in (*schema_for(target), f"CREATE OR REPLACE TABLE {sql_name(target)} AS {query}"):
            self._execute(text, select[0])
        return described(self.con, self.context.asset_key, target)

    def _execute(self, text: str, offset: int) -> Done | None:
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
            raise self.sql.refused("DuckDB", e, offset) from e
        names = ", ".join(rows.columns)
        return Done(self.context.asset_key, {"row_count": counted, "column_names": names})


def _statements(sql: SqlText) -> list[_Statement]:
    """Each statement of `sql`, with where it begins."""
    import duckdb

    try:
        parsed = duckdb.extract_statements(sql.text)
    except duckdb.Error as e:
        raise sql.refused("DuckDB", e, 0) from e
    found: list[_Statement] = []
    end = 0
    for statement in parsed:
        offset = sql.text.index(statement.query, end)
        end = offset + len(statement.query)
        if statement.type == duckdb.StatementType.TRANSACTION:
            raise ConfigError(
                f"the SQL holds '{statement.query.strip()}', but all of it is one transaction",
                at=sql.at(offset),
                hint="Leave out BEGIN, COMMIT and ROLLBACK.",
            )
        found.append((offset, statement.query))
    if not found:
        raise ConfigError("the SQL holds no statement", at=sql.at(0))
    return found


def _is_select(text: str) -> bool:
    import duckdb

    return bool(duckdb.extract_statements(text)[0].type == duckdb.StatementType.SELECT)
