"""`task_type: file_to_duckdb`: files of rows become one table of a DuckDB database."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from odp_dlt.destinations.base import TableView
from odp_dlt.destinations.statements import literal
from odp_dlt.errors import SourceError
from odp_dlt.resources.duckdb import DuckDB
from odp_dlt.tasks.base import Context, Done, Planned, Site, Task
from odp_dlt.tasks.data_files import FileUri, fetched, format_of, public
from odp_dlt.tasks.sql_tables import TableId, described, known_name, looked, schema_for, sql_name

if TYPE_CHECKING:  # the driver is imported by a run alone
    from duckdb import DuckDBPyConnection

_READERS = {
    "parquet": "read_parquet({files}, union_by_name = true)",
    "csv": "read_csv({files}, union_by_name = true)",
    "json": "read_json({files}, union_by_name = true)",
    "jsonl": "read_json({files}, union_by_name = true, format = 'newline_delimited')",
}


class FileToDuckdb(Task):
    """`source_file_uri` is a path or a URL: a file, a folder, or a pattern with `*`.

    The table is replaced in one step; the columns are those of all files together.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"duckdb"})

    source_file_uri: FileUri
    destination_table_id: TableId

    def assets(self, asset_key: str, site: Site) -> list[Planned]:
        """The one asset."""
        table = known_name(self.destination_table_id)
        return [Planned(asset_key, table_name=table, kinds=frozenset({"duckdb"}))]

    def run(self, context: Context) -> Iterator[Done]:
        """Replace the table. SourceError if there is no file, or DuckDB cannot read one."""
        resource = context.site.resource("duckdb")
        assert isinstance(resource, DuckDB)
        context.progress(f"fetching {public(self.source_file_uri)}")
        with fetched(self.source_file_uri) as files:
            reader = _reader(files)
            context.progress(f"loading {len(files)} files")
            with resource.connection() as con:
                done = self._load(con, reader, context.asset_key)
        yield done

    @contextmanager
    def look(
        self, context: Context, reported: Mapping[str, Mapping[str, Any]]
    ) -> Iterator[Mapping[str, TableView]]:
        """The table."""
        with looked(context, reported) as found:
            yield found

    def _load(self, con: "DuckDBPyConnection", reader: str, asset_key: str) -> Done:
        import duckdb

        name = sql_name(self.destination_table_id)
        con.execute("BEGIN")
        try:
            for text in schema_for(self.destination_table_id):
                con.execute(text)
            con.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM {reader}")
            found = described(con, asset_key, self.destination_table_id)
            con.execute("COMMIT")
        except duckdb.Error as e:
            raise SourceError(
                f"DuckDB cannot make a table of it: {e}", at=public(self.source_file_uri)
            ) from e
        assert found is not None
        metadata = {**found.metadata, "source_file_uri": public(self.source_file_uri)}
        return Done(asset_key, metadata, found.columns)


def _reader(files: Sequence[Path]) -> str:
    """The table function of DuckDB that reads `files`; they have one format."""
    formats = {format_of(file.name)[0] for file in files}
    if len(formats) > 1:
        raise SourceError(
            f"the files have several formats: {', '.join(sorted(formats))}",
            at=files[0].parent,
            hint="Name those of one format, such as `*.parquet`.",
        )
    listed = ", ".join(literal(str(file)) for file in files)
    return _READERS[formats.pop()].format(files=f"[{listed}]")
