"""`task_type: bq_table_to_gcs`: a BigQuery table becomes files of Google Cloud Storage."""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from odp_dlt.resources.bigquery import BigQuery
from odp_dlt.tasks.base import Context, Done, Planned, Site, Task
from odp_dlt.tasks.gcs_file_download import GsUri
from odp_dlt.tasks.google_jobs import finished, job_config
from odp_dlt.tasks.sql_tables import TableId


class BqTableToGcs(Task):
    """`destination_file_uri` may hold one `*`, for as many files as BigQuery makes.

    `job_config_params` are those of BigQuery's ExtractJobConfig.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"bigquery"})

    source_table_id: TableId
    destination_file_uri: GsUri
    job_config_params: dict[str, Any] = Field(default_factory=dict)

    def assets(self, asset_key: str, site: Site) -> list[Planned]:
        """The one asset."""
        return [Planned(asset_key, kinds=frozenset({"bigquery", "gcs"}))]

    def run(self, context: Context) -> Iterator[Done]:
        """Export, and wait for it. DestinationError with what BigQuery says if it refuses."""
        resource = context.site.resource("bigquery")
        assert isinstance(resource, BigQuery)
        with resource.client() as client:
            config = job_config("ExtractJobConfig", self.job_config_params)
            source, target = self.source_table_id, self.destination_file_uri
            finished(client.extract_table(source, target, job_config=config), context.progress)
            rows = int(client.get_table(source).num_rows)
        folder = target.rpartition("/")[0]
        yield Done(
            context.asset_key,
            {"source_table_id": source, "destination_file_uri": folder, "row_count": rows},
        )
