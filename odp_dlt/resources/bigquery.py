"""`bigquery`: Google BigQuery."""

from contextlib import AbstractContextManager
from typing import Any

from odp_dlt.resources.base import Resource
from odp_dlt.resources.google_client import client


class BigQuery(Resource):
    """`project` is Google's, `location` that of jobs; who one is, Google's own client finds out."""

    project: str | None = None
    location: str | None = None

    def client(self) -> AbstractContextManager[Any]:
        """Google's client, for a `with`."""
        options = {"project": self.project, "location": self.location}
        return client("google.cloud.bigquery", "bigquery", **options)
