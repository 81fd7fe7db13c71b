"""Buckets of Google and Azure, as far as they go without the services."""

import base64
from typing import Any

import pytest
from pyarrow import fs

from odp_dlt.destinations.files.access import (
    Credentials,
    azure_place,
    checked_url,
    google_place,
    open_store,
)
from odp_dlt.errors import ConfigError

KEY = base64.b64encode(b"a secret key").decode()


def test_google_is_found_where_the_credentials_say() -> None:
    assert google_place(None) == {}
    found = google_place("http://127.0.0.1:4443")
    assert found == {"scheme": "http", "endpoint_override": "127.0.0.1:4443"}
    assert fs.GcsFileSystem(**found, anonymous=True).type_name == "gcs"


@pytest.mark.parametrize(
    ("endpoint", "authority"),
    [
        ("https://shop.blob.core.windows.net", ".blob.core.windows.net"),
        ("https://shop.blob.core.chinacloudapi.cn/", ".blob.core.chinacloudapi.cn"),
        ("http://127.0.0.1:10000/shop", "127.0.0.1:10000"),
    ],
)
def test_azure_is_found_where_the_credentials_say(endpoint: str, authority: str) -> None:
    found = azure_place("shop", endpoint)
    assert found == {
        "blob_storage_scheme": endpoint.partition(":")[0],
        "dfs_storage_scheme": endpoint.partition(":")[0],
        "blob_storage_authority": authority,
        "dfs_storage_authority": authority.replace("blob", "dfs"),
    }
    system = fs.AzureFileSystem("shop", account_key=KEY, **found)
    again = system.__reduce__()[1][0]
    assert again["blob_storage_authority"] == authority
    assert azure_place("shop", None) == {}


@pytest.mark.parametrize("place", [google_place, lambda url: azure_place("shop", url)])
def test_an_endpoint_that_is_no_url_is_refused(place: Any) -> None:
    with pytest.raises(ConfigError) as e:
        place("127.0.0.1:4443")
    text = "the endpoint_url '127.0.0.1:4443' is no http:// or https:// URL"
    assert str(e.value) == text


@pytest.mark.filterwarnings("ignore::ImportWarning")
def test_a_store_in_googles_buckets_is_made_without_asking_them() -> None:
    pytest.importorskip("google.cloud.storage", reason="google-cloud-storage is not installed")
    keys = Credentials(endpoint_url="http://127.0.0.1:9", project_id="shop")
    store = open_store(checked_url("gcs://lake/a/"), keys).below("data")
    assert (store.root, store.uri) == ("lake/a/data", "gs://lake/a/data")
    assert store.system.type_name == "gcs"


def test_a_store_in_azures_containers_is_made_without_asking_them() -> None:
    pytest.importorskip("azure.storage.blob", reason="azure-storage-blob is not installed")
    keys = Credentials.model_validate(
        {"azure_storage_account_name": "shop", "azure_storage_account_key": KEY}
    )
    store = open_store(checked_url("azure://lake/a"), keys)
    assert (store.root, store.uri, store.system.type_name) == ("lake/a", "az://lake/a", "abfs")


def test_azure_without_an_account_is_refused() -> None:
    with pytest.raises(ConfigError, match="have no azure_storage_account_name"):
        open_store("az://lake", Credentials())
