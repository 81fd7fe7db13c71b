"""`gcs`: Google Cloud Storage."""

from contextlib import AbstractContextManager
from typing import Any

from odp_dlt.resources.base import Resource
from odp_dlt.resources.google_client import client


class Gcs(Resource):
    """`project` is Google's; who one is comes from where Google's own client looks."""

    project: str | None = None

    def client(self) -> AbstractContextManager[Any]:
        """Google's client, for a `with`."""
        return client("google.cloud.storage", "gs", project=self.project)
