"""`sensor_kind: gcs_sensor`: new and changed objects of a bucket of Google Cloud Storage."""

from collections.abc import Iterator
from typing import Any, ClassVar

from odp_dlt.destinations.files.access import Credentials
from odp_dlt.errors import SourceError
from odp_dlt.sensors.base import Watch
from odp_dlt.sensors.bucket import WAIT_S, Bucket
from odp_dlt.sensors.seen import Thing
from odp_dlt.settings.credentials import GcpServiceAccountCredentials, library

_FIELDS = "items(name,generation,updated),nextPageToken"


class GcsSensor(Bucket):
    """Needs Google's client: `pip install 'odp-dlt[gs]'`.

    With `credentials.endpoint_url` and no key it asks without credentials, as emulators want it.
    """

    scheme: ClassVar[str] = "gs"

    def things(self, watch: Watch) -> Iterator[Thing]:
        """All objects below the prefix, a thousand in one request."""
        client = _client(self.keys(watch.site))
        refused = library("google.api_core.exceptions", "google-api-core")
        unknown = library("google.auth.exceptions", "google-auth")
        try:
            for found in client.list_blobs(
                self.bucket_name,
                prefix=self.path_prefix_filter or None,
                fields=_FIELDS,
                timeout=WAIT_S,
                retry=None,
            ):
                if not found.name.endswith("/"):  # a folder that some tool has made
                    yield Thing(found.name, str(found.generation), found.updated)
        except (refused.GoogleAPIError, unknown.GoogleAuthError, OSError) as e:
            raise SourceError(
                f"the bucket '{self.bucket_name}' cannot be listed: {e}",
                hint="Check its name and the credentials.",
            ) from e


def _client(keys: Credentials) -> Any:
    storage = library("google.cloud.storage", "google-cloud-storage")
    options = {"api_endpoint": keys.endpoint_url} if keys.endpoint_url else None
    account = None
    if keys.private_key:
        spec = GcpServiceAccountCredentials()
        spec.project_id, spec.client_email = keys.project_id or "", keys.client_email or ""
        spec.private_key = keys.private_key.get_secret_value()
        spec.on_resolved()
        account = spec.to_native_credentials()
    elif keys.endpoint_url:
        account = library("google.auth.credentials", "google-auth").AnonymousCredentials()
    project = keys.project_id or ("none" if account is not None else None)
    return storage.Client(project=project, credentials=account, client_options=options)
