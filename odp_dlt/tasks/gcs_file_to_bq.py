"""`task_type: gcs_file_to_bq`: a file of Google Cloud Storage becomes rows of a BigQuery table."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from odp_dlt.resources.bigquery import BigQuery
from odp_dlt.tasks.base import ColumnInfo, Context, Done, Planned, Site, Task
from odp_dlt.tasks.gcs_file_download import GsUri
from odp_dlt.tasks.google_jobs import finished, job_config
from odp_dlt.tasks.sql_tables import TableId


class GcsFileToBq(Task):
    """`job_config_params` are those of BigQuery's LoadJobConfig, with two more.

    `_schema` is a list of fields, and `_time_partitioning` a mapping, each with the arguments of
    the client's own class.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"bigquery"})

    source_file_uri: GsUri
    destination_table_id: TableId
    job_config_params: dict[str, Any] = Field(default_factory=dict)

    def assets(self, asset_key: str, site: Site) -> list[Planned]:
        """The one asset."""
        return [Planned(asset_key, kinds=frozenset({"bigquery"}))]

    def run(self, context: Context) -> Iterator[Done]:
        """Load, and wait for it. DestinationError with what BigQuery says if it refuses."""
        resource = context.site.resource("bigquery")
        assert isinstance(resource, BigQuery)
        with resource.client() as client:
            config = job_config("LoadJobConfig", self.job_config_params)
            target = self.destination_table_id
            job = client.load_table_from_uri(self.source_file_uri, target, job_config=config)
            finished(job, context.progress)
            table = client.get_table(target)
            columns = tuple(map(_column, table.to_api_repr().get("schema", {}).get("fields", [])))
            rows = int(table.num_rows)
        yield Done(
            context.asset_key,
            {
                "destination_table_id": target,
                "source_file_uri": self.source_file_uri,
                "row_count": rows,
                "dagster/row_count": rows,
            },
            columns or None,
        )


def _column(field: Mapping[str, Any]) -> ColumnInfo:
    mode = field.get("mode", "NULLABLE")
    kind = f"ARRAY<{field['type']}>" if mode == "REPEATED" else field["type"]
    return ColumnInfo(field["name"], kind, mode != "REQUIRED", field.get("description"))
