"""`sensor_kind: s3`: new and changed objects of a bucket of S3, or of what speaks as it does."""

from collections.abc import Iterator
from typing import Any, ClassVar

from odp_dlt.destinations.files.access import Credentials
from odp_dlt.errors import SourceError
from odp_dlt.sensors.base import Watch
from odp_dlt.sensors.bucket import WAIT_S, Bucket
from odp_dlt.sensors.seen import Thing
from odp_dlt.settings.credentials import library


class S3(Bucket):
    """Needs botocore: `pip install 'odp-dlt[s3]'`."""

    scheme: ClassVar[str] = "s3"

    def things(self, watch: Watch) -> Iterator[Thing]:
        """All objects below the prefix, a thousand in one request."""
        client = _client(self.keys(watch.site))
        refused = library("botocore.exceptions", "botocore")
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket_name, Prefix=self.path_prefix_filter
        )
        try:
            for page in pages:
                for found in page.get("Contents", ()):
                    if not found["Key"].endswith("/"):  # a folder that some tool has made
                        version = found["ETag"].strip('"')
                        yield Thing(found["Key"], version, found["LastModified"])
        except (refused.ClientError, refused.BotoCoreError) as e:
            raise SourceError(
                f"the bucket '{self.bucket_name}' cannot be listed: {e}",
                hint="Check its name and the credentials.",
            ) from e


def _client(keys: Credentials) -> Any:
    session = library("botocore.session", "botocore").Session(profile=keys.profile_name)
    config = library("botocore.config", "botocore").Config(
        connect_timeout=WAIT_S, read_timeout=WAIT_S
    )
    if keys.aws_access_key_id:
        secret, token = keys.aws_secret_access_key, keys.aws_session_token
        session.set_credentials(
            keys.aws_access_key_id,
            secret.get_secret_value() if secret else None,
            token.get_secret_value() if token else None,
        )
    region = keys.region_name or ("us-east-1" if keys.endpoint_url else None)
    return session.create_client(
        "s3", region_name=region, endpoint_url=keys.endpoint_url, config=config
    )
