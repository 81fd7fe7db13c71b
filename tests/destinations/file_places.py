"""Places for files in tests: a local folder, and a bucket of a real S3 server on loopback."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.session
from moto.server import ThreadedMotoServer

from odp_dlt.destinations.filesystem import Filesystem
from odp_dlt.pipeline.info import LoadInfo
from odp_dlt.pipeline.pipeline import Pipeline
from odp_dlt.settings import Settings

SECRET = "the-secret-key"


@dataclass(frozen=True)
class FilePlace:
    """A dataset in files; `params` are what YAML would say of the destination."""

    folder: Path
    params: Mapping[str, Any]

    def destination(self, **more: Any) -> Filesystem:
        return Filesystem.model_validate({**self.params, **more})

    def pipeline(self, name: str = "shop", **more: Any) -> Pipeline:
        settings = Settings.from_folder(self.folder, {})
        return Pipeline(
            name, self.destination(**more), "data", settings, work_dir=self.folder / "packages"
        )

    def load(self, data: Any, **hints: Any) -> LoadInfo:
        return self.pipeline().run(data, **hints)

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """Values of `columns`, in the order of the rows."""
        found = self.destination().tables("data")[table].read()
        return list(zip(*(found.column(name).to_pylist() for name in columns), strict=True))

    def files(self, folder: str = "") -> list[str]:
        """Every file below the dataset, or one of its folders."""
        store = self.destination()._dataset("data")
        return list(store.files(folder, deep=True, hidden=True))

    def data_files(self) -> list[str]:
        return [path for path in self.files() if not path.startswith("_") and path != "init"]


@dataclass(frozen=True)
class S3:
    """A running server; its buckets are made by `bucket`."""

    endpoint: str
    credentials: Mapping[str, str] = field(repr=False)

    def bucket(self) -> str:
        """The URL of a new bucket."""
        name = f"lake-{secrets.token_hex(6)}"
        client = botocore.session.get_session().create_client(
            "s3",
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            aws_access_key_id="key",
            aws_secret_access_key=SECRET,
        )
        client.create_bucket(Bucket=name)
        return f"s3://{name}"

    def params(self) -> dict[str, Any]:
        """Of a destination in a bucket of its own."""
        return {"bucket_url": f"{self.bucket()}/lake", "credentials": dict(self.credentials)}


@contextmanager
def s3_server() -> Iterator[S3]:
    """An S3 server on a free port of the loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        keys = {
            "aws_access_key_id": "key",
            "aws_secret_access_key": SECRET,
            "endpoint_url": endpoint,
            "region_name": "us-east-1",
        }
        yield S3(endpoint, keys)
    finally:
        server.stop()
