"""From a bucket's URL and credentials to a store: local folders, S3, Google Cloud, Azure.

Rows go through pyarrow's own file systems. These cannot write a file only where there is none,
which decides between two loads, so that one request goes through the cloud's own client.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import url2pathname

from pyarrow import fs
from pydantic import BaseModel, ConfigDict, SecretStr

from odp_dlt.destinations.files.store import Create, Store, local_store
from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.settings.credentials import GcpServiceAccountCredentials, library

SCHEMES = ("file", "s3", "gs", "az")
_ALIASES = {"s3a": "s3", "gcs": "gs", "azure": "az"}
_GOOGLE_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


class Credentials(BaseModel):
    """Keys of the bucket's cloud, under dlt's names.

    What is left out comes from where the cloud's own client looks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    aws_access_key_id: str | None = None
    aws_secret_access_key: SecretStr | None = None
    aws_session_token: SecretStr | None = None
    profile_name: str | None = None
    region_name: str | None = None
    endpoint_url: str | None = None
    azure_storage_account_name: str | None = None
    azure_storage_account_key: SecretStr | None = None
    azure_storage_sas_token: SecretStr | None = None
    project_id: str | None = None
    client_email: str | None = None
    private_key: SecretStr | None = None


def is_local(url: str) -> bool:
    """Whether `url` is a path, or a `file://` URL, and not a bucket's."""
    return not _HAS_SCHEME.match(url) or url.startswith("file://")


def local_path(url: str) -> Path:
    """The path that a local `url` means."""
    return Path(url2pathname(urlsplit(url).path) if url.startswith("file://") else url)


def checked_url(url: str) -> str:
    """`url` in its usual spelling. ValueError for one that cannot be a bucket's, or holds keys."""
    if is_local(url):
        return url
    parts = urlsplit(url)
    scheme = _ALIASES.get(parts.scheme, parts.scheme)
    if scheme not in SCHEMES:
        raise ValueError(f"no files can be kept at '{scheme}://'. {nearest(scheme, SCHEMES)}")
    if "@" in parts.netloc or parts.query:
        raise ValueError("a bucket_url holds no keys; give them as credentials")
    if not parts.netloc:
        raise ValueError(f"the bucket_url names no bucket: '{url}'")
    return f"{scheme}://{parts.netloc}{parts.path}".rstrip("/")


def open_store(url: str, credentials: Credentials) -> Store:
    """The store at a checked `url`. Connects only when it is used.

    ConfigError if the library of the cloud is not installed, or keys are missing.
    """
    if is_local(url):
        return local_store(local_path(url).resolve())
    parts = urlsplit(url)
    root = f"{parts.netloc}{unquote(parts.path)}".rstrip("/")
    system, exclusive = {"s3": _s3, "gs": _gs, "az": _az}[parts.scheme](credentials)
    return Store(system, root, url, exclusive)


def _shown(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _split(path: str) -> tuple[str, str]:
    bucket, _, key = path.partition("/")
    return bucket, key


def _s3(keys: Credentials) -> tuple[fs.FileSystem, Create]:
    region = keys.region_name or ("us-east-1" if keys.endpoint_url else None)
    session = library("botocore.session", "botocore").Session(profile=keys.profile_name)
    if keys.aws_access_key_id:
        session.set_credentials(
            keys.aws_access_key_id,
            _shown(keys.aws_secret_access_key),
            _shown(keys.aws_session_token),
        )

    @cache  # made by the first commit: it takes long to make, and who only reads needs none
    def client() -> Any:
        return session.create_client("s3", region_name=region, endpoint_url=keys.endpoint_url)

    refused = library("botocore.exceptions", "botocore")

    def create(path: str, data: bytes) -> bool:
        bucket, key = _split(path)
        try:
            client().put_object(Bucket=bucket, Key=key, Body=data, IfNoneMatch="*")
        except refused.ClientError as e:
            if e.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"):
                return False
            raise OSError(str(e)) from e
        except refused.BotoCoreError as e:
            raise OSError(str(e)) from e
        return True

    return _s3_system(keys, region, session), create


def _s3_system(keys: Credentials, region: str | None, session: Any) -> fs.FileSystem:
    given: dict[str, Any] = {
        "access_key": keys.aws_access_key_id,
        "secret_key": _shown(keys.aws_secret_access_key),
        "session_token": _shown(keys.aws_session_token),
    }
    if keys.profile_name and not keys.aws_access_key_id:  # pyarrow knows no profiles
        found = session.get_credentials()
        if found is None:
            raise ConfigError(f"the AWS profile '{keys.profile_name}' has no keys")
        frozen = found.get_frozen_credentials()
        given = {
            "access_key": frozen.access_key,
            "secret_key": frozen.secret_key,
            "session_token": frozen.token,
        }
    try:
        return fs.S3FileSystem(**given, region=region, endpoint_override=keys.endpoint_url)
    except (ValueError, OSError) as e:
        raise ConfigError(f"these are no credentials for S3: {e}") from e


def _gs(keys: Credentials) -> tuple[fs.FileSystem, Create]:
    storage = library("google.cloud.storage", "google-cloud-storage")
    refused = library("google.api_core.exceptions", "google-api-core")
    account, given = None, google_place(keys.endpoint_url)
    if keys.private_key:
        spec = GcpServiceAccountCredentials()
        spec.project_id, spec.client_email = keys.project_id or "", keys.client_email or ""
        spec.private_key = _shown(keys.private_key) or ""
        spec.on_resolved()
        account = spec.to_native_credentials().with_scopes([_GOOGLE_SCOPE])
        account.refresh(library("google.auth.transport.requests", "google-auth").Request())
        given["access_token"] = account.token
        given["credential_token_expiration"] = account.expiry
    system = fs.GcsFileSystem(**given, project_id=keys.project_id)

    def create(path: str, data: bytes) -> bool:
        bucket, key = _split(path)
        options = {"api_endpoint": keys.endpoint_url} if keys.endpoint_url else None
        client = storage.Client(
            project=keys.project_id, credentials=account, client_options=options
        )
        try:
            client.bucket(bucket).blob(key).upload_from_string(data, if_generation_match=0)
        except refused.PreconditionFailed:
            return False
        except refused.GoogleAPIError as e:
            raise OSError(str(e)) from e
        return True

    return system, create


def google_place(endpoint_url: str | None) -> dict[str, Any]:
    """Where pyarrow finds Google's storage; `endpoint_url` is another server's than Google's."""
    if endpoint_url is None:
        return {}
    parts = _endpoint(endpoint_url)
    return {"scheme": parts.scheme, "endpoint_override": parts.netloc}


def azure_place(account: str, endpoint_url: str | None) -> dict[str, str]:
    """Where pyarrow finds Azure's storage, for the URL that Azure's own client takes.

    Either the host's name begins with the account's, as in Azure's clouds, or the path does.
    """
    if endpoint_url is None:
        return {}
    parts = _endpoint(endpoint_url)
    host = parts.netloc.removeprefix(account) if parts.netloc.startswith(f"{account}.") else None
    blobs = parts.netloc if host is None else host
    return {
        "blob_storage_scheme": parts.scheme,
        "dfs_storage_scheme": parts.scheme,
        "blob_storage_authority": blobs,
        "dfs_storage_authority": blobs.replace(".blob.", ".dfs.", 1),
    }


def _endpoint(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ConfigError(f"the endpoint_url '{url}' is no http:// or https:// URL")
    return parts


def _az(keys: Credentials) -> tuple[fs.FileSystem, Create]:
    account = keys.azure_storage_account_name
    if not account:
        raise ConfigError(
            "the credentials of an az:// bucket have no azure_storage_account_name",
            hint="Set DESTINATION__FILESYSTEM__CREDENTIALS__AZURE_STORAGE_ACCOUNT_NAME.",
        )
    blobs = library("azure.storage.blob", "azure-storage-blob")
    refused = library("azure.core.exceptions", "azure-core")
    key, token = _shown(keys.azure_storage_account_key), _shown(keys.azure_storage_sas_token)
    if not (key or token):
        token_of = library("azure.identity", "azure-identity").DefaultAzureCredential()
    else:
        token_of = key or token
    place = azure_place(account, keys.endpoint_url)
    system = fs.AzureFileSystem(account, account_key=key, sas_token=None if key else token, **place)
    service = blobs.BlobServiceClient(
        keys.endpoint_url or f"https://{account}.blob.core.windows.net", credential=token_of
    )

    def create(path: str, data: bytes) -> bool:
        container, name = _split(path)
        try:
            service.get_blob_client(container, name).upload_blob(data, overwrite=False)
        except refused.ResourceExistsError:
            return False
        except refused.AzureError as e:
            raise OSError(str(e)) from e
        return True

    return system, create
