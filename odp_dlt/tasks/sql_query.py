"""`task_type: sql_query`: SQL in a destination's database, all statements in one transaction."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from odp_dlt.destinations.base import Destination, TableView, destinations
from odp_dlt.destinations.sql import SqlSession
from odp_dlt.destinations.statements import quoted
from odp_dlt.errors import ConfigError, DestinationError, SourceError
from odp_dlt.resources.dlt import DltProject
from odp_dlt.settings import Settings, exported
from odp_dlt.tasks.base import ColumnInfo, Context, Done, Planned, Scalar, Site, Task
from odp_dlt.tasks.params import (
    ParamError,
    holds_template,
    validated,
    validated_unless_template,
)
from odp_dlt.tasks.sql_tables import TableId, done, names_of, reported_table
from odp_dlt.tasks.sql_text import SqlText, Statement, sql_text


class SqlQuery(Task):
    """`query` is SQL, or with `is_file` the path of an SQL file, which may hold templates too.

    Bare names are tables of the dataset. With `destination_table_id` the one SELECT of the query
    becomes that table, which is replaced.
    """

    uses: ClassVar[frozenset[str]] = frozenset({"dlt"})

    destination: str
    destination_params: dict[str, Any] = Field(default_factory=dict)
    dataset_name: str | None = None
    query: str
    is_file: bool = False
    destination_table_id: TableId | None = None

    def assets(self, asset_key: str, site: Site) -> list[Planned]:
        """The one asset, and the file of its SQL, which must be there."""
        kind = self._kind()
        params = self.destination_params
        place = validated_unless_template(kind, params, site.root, "destination_params")
        table = None
        if self.destination_table_id is None or not holds_template(self.destination_table_id):
            dataset, name = self._target()
            known = place is not None and name is not None and not holds_template(dataset)
            table = place.address(dataset, name) if known and place and name else None
        file = sql_text(self.query, self.is_file, site).file
        kinds = frozenset({self.destination.rpartition(".")[2].lower(), "sql"})
        return [Planned(asset_key, kinds=kinds, file=file, table_name=table)]

    def texts(self, site: Site) -> Mapping[Path, str]:
        """The SQL file."""
        return sql_text(self.query, self.is_file, site).texts()

    def run(self, context: Context) -> Iterator[Done]:
        """Run the statements and commit. SourceError if one is refused; then nothing stays."""
        sql = sql_text(self.query, self.is_file, context.site).rendered(context.render)
        statements = sql.statements()
        dataset, table = self._target()
        if table is not None and len(statements) > 1:
            raise ConfigError(
                f"the SQL is not one SELECT, so it cannot become '{self.destination_table_id}'",
                at=sql.at(statements[1][0]),
                hint="Create the tables in the SQL, without `destination_table_id`.",
            )
        settings = _settings(context.site)
        place = self._place(context.site, settings)
        with exported(settings, os.environ), place.open(dataset) as session:
            if not isinstance(session, SqlSession):
                raise ParamError(f"'{self.destination}' takes no SQL", ("destination",))
            for text in session.settled():
                session.run(text)
            if table is None:
                outcome = self._all(session, sql, statements, context)
            else:
                _become(session, sql, statements[0], table)
                columns = (ColumnInfo(n, t) for n, t in session.columns(table).items())
                address, rows = place.address(dataset, table), session.count(table)
                outcome = done(context.asset_key, address, rows, columns)
        yield outcome

    @contextmanager
    def look(
        self, context: Context, reported: Mapping[str, Mapping[str, Any]]
    ) -> Iterator[Mapping[str, TableView]]:
        """The table that the query becomes."""
        reported_table(context, reported)
        dataset, table = self._target()
        if table is None or holds_template(f"{dataset}.{table}"):
            raise ParamError(
                "which table the query becomes depends on the run", ("destination_table_id",)
            )
        settings = _settings(context.site)
        place = self._place(context.site, settings)
        with exported(settings, os.environ), place.open(dataset, write=False) as session:
            yield {context.asset_key: TableView(session, table)}

    def _place(self, site: Site, settings: Settings) -> Destination:
        params = self.destination_params
        found = validated(self._kind(), params, site.root, "destination_params")
        return found.with_settings(settings)

    def _all(
        self, session: SqlSession, sql: SqlText, statements: list[Statement], context: Context
    ) -> Done:
        reported: dict[str, Scalar] = {}
        for number, (offset, text) in enumerate(statements, 1):
            context.progress(f"statement {number} of {len(statements)}")
            try:
                names, rows = session.counted(text)
            except DestinationError as e:
                raise _refused(sql, e, offset) from e
            if names:
                reported = {"row_count": rows, "column_names": ", ".join(names)}
        return Done(context.asset_key, reported)

    def _kind(self) -> type[Destination]:
        try:
            kind = destinations.find(self.destination)
        except ConfigError as e:
            raise ParamError(e.message, ("destination",), hint=e.hint) from e
        if kind.holds_files:
            raise ParamError(
                f"the destination '{self.destination}' holds files and takes no SQL",
                ("destination",),
                hint="DuckDB reads files: `task_type: duckdb_query`.",
            )
        return kind

    def _target(self) -> tuple[str, str | None]:
        """The dataset of the query, and the table that it becomes, if it becomes one."""
        names = names_of(self.destination_table_id) if self.destination_table_id else []
        dataset = names[-2] if len(names) > 1 else self.dataset_name
        if dataset is None:
            raise ParamError(
                "it is not said which dataset the query is for",
                ("dataset_name",),
                hint="Give `dataset_name`, or DATASET.TABLE as `destination_table_id`.",
            )
        if self.dataset_name not in (None, dataset):
            raise ParamError(
                f"the table is in '{dataset}', and `dataset_name` is '{self.dataset_name}'",
                ("destination_table_id",),
                hint="Leave out `dataset_name`; the query can name other datasets' tables in full.",
            )
        return dataset, names[-1] if names else None


def _become(session: SqlSession, sql: SqlText, select: Statement, table: str) -> None:
    """Replace the rows of `table` by those of `select`, which may read the old ones.

    A table with the same columns is kept, and with it views on it, grants and indexes.
    """
    digest = hashlib.sha256(table.encode()).hexdigest()[:16]
    fresh = f"odp_new_{digest}"
    new, old = session.named(fresh), session.named(table)
    try:
        session.run(f"CREATE TABLE {new} AS {select[1]}")
        if session.columns(table) == session.columns(fresh):
            names = ", ".join(map(quoted, session.columns(table)))
            session.run(f"DELETE FROM {old}")
            session.run(f"INSERT INTO {old} ({names}) SELECT {names} FROM {new}")
        else:
            session.run(f"DROP TABLE IF EXISTS {old}")
            session.run(f"CREATE TABLE {old} AS SELECT * FROM {new}")
        session.run(f"DROP TABLE {new}")
    except DestinationError as e:
        raise _refused(sql, e, select[0]) from e


def _refused(sql: SqlText, error: DestinationError, offset: int) -> SourceError:
    return SourceError(f"the SQL fails: {error.message}", at=sql.at(offset), hint=error.hint)


def _settings(site: Site) -> Settings:
    project = site.resources.get("dlt")
    if isinstance(project, DltProject):
        return Settings.from_folder(project.project_dir)
    return Settings((), os.environ)
