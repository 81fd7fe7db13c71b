"""`task_type: duckdb_table_to_file`: one table of a DuckDB database becomes a file."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import field_validator

from odp_dlt.destinations.statements import literal
from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.resources.duckdb import DuckDB
from odp_dlt.tasks.base import Context, Done, Planned, Site, Task
from odp_dlt.tasks.data_files import FileUri, format_of, published, scheme_of
from odp_dlt.tasks.params import holds_template
from odp_dlt.tasks.sql_tables import TableId, sql_name

_OPTIONS = {
    "parquet": "FORMAT parquet, COMPRESSION zstd",
    "csv": "FORMAT csv, HEADER true, COMPRESSION {packed}",
    "json": "FORMAT json, ARRAY true, COMPRESSION {packed}",
    "jsonl": "FORMAT json, ARRAY false, COMPRESSION {packed}",
}


class DuckdbTableToFile(Task):
    """`destination_file_uri` is a path, or `s3://…` or `gs://…`; its suffix says the format.

    The file is there when it is whole, in place of one that may have been there.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"duckdb"})

    source_table_id: TableId
    destination_file_uri: FileUri

    @field_validator("destination_file_uri")
    @classmethod
    def _can_be_written(cls, uri: str) -> str:
        if holds_template(uri):
            return uri
        if scheme_of(uri) in ("http", "https"):
            raise ValueError("a file cannot be written to a web server")
        try:
            format_of(uri)
        except ConfigError as e:
            raise ValueError(f"{e.message}. {e.hint}") from e
        return uri

    def assets(self, asset_key: str, site: Site) -> list[Planned]:
        """The one asset."""
        return [Planned(asset_key, kinds=frozenset({"duckdb", "file"}))]

    def run(self, context: Context) -> Iterator[Done]:
        """Write the file. SourceError if there is no such table."""
        import duckdb

        resource = context.site.resource("duckdb")
        assert isinstance(resource, DuckDB)
        kind, packed = format_of(self.destination_file_uri)
        options = _OPTIONS[kind].format(packed=packed)
        source = sql_name(self.source_table_id)
        with published(self.destination_file_uri) as path:
            with resource.connection(write=False) as con:
                try:
                    copied = con.execute(
                        f"COPY (FROM {source}) TO {literal(str(path))} ({options})"
                    ).fetchone()
                except duckdb.Error as e:
                    raise SourceError(
                        f"DuckDB cannot write '{self.source_table_id}' to a file: {e}"
                    ) from e
            size = path.stat().st_size
        yield Done(
            context.asset_key,
            {
                "source_table_id": self.source_table_id,
                "destination_file_uri": self.destination_file_uri,
                "row_count": int(copied[0]) if copied else 0,
                "dagster/size_bytes": size,
            },
        )
