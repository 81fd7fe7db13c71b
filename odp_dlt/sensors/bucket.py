"""What the sensors of buckets have in common."""

from typing import ClassVar

from pydantic import Field

from odp_dlt.destinations.files.access import Credentials
from odp_dlt.destinations.filesystem import Filesystem
from odp_dlt.sensors.base import Site, settings_of
from odp_dlt.sensors.listing import Listing

WAIT_S = 20
"""For one answer of the cloud: Dagster gives a look one minute in all."""


class Bucket(Listing):
    """The objects of a bucket whose names begin with `path_prefix_filter`.

    Credentials that are not given come from the settings of the destination `filesystem`, then from
    where the cloud's own client looks. An object counts up to a day after its own time stamp.
    """

    scheme: ClassVar[str]

    bucket_name: str
    path_prefix_filter: str = ""
    credentials: Credentials | None = Field(default=None, repr=False)

    def uri(self, path: str) -> str:
        """`s3://bucket/name`, or `gs://…`."""
        return f"{self.scheme}://{self.bucket_name}/{path}"

    def keys(self, site: Site) -> Credentials:
        """The credentials that were given, or those of the settings."""
        place = Filesystem(bucket_url=self.uri(""), credentials=self.credentials)
        return place.with_settings(settings_of(site)).credentials or Credentials()
