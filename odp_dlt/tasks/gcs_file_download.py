"""`task_type: gcs_file_download`: files of Google Cloud Storage, on local disk."""

import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, field_validator

from odp_dlt.errors import SourceError
from odp_dlt.resources.gcs import Gcs
from odp_dlt.settings import AnchoredPath
from odp_dlt.tasks.base import Context, Done, Planned, Scalar, Site, Task
from odp_dlt.tasks.params import holds_template


def _checked(uri: str) -> str:
    bucket = uri.removeprefix("gs://").partition("/")[0]
    if not holds_template(uri) and not (uri.startswith("gs://") and bucket):
        raise ValueError("it is no gs://BUCKET/PATH")
    return uri


GsUri = Annotated[str, AfterValidator(_checked)]
"""`gs://BUCKET/PATH`."""


class GcsFileDownload(Task):
    """Every object whose name begins as `source_file_uri` says, below `destination_file_path`.

    The folders after the last `/` of the prefix are kept.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"gcs"})

    source_file_uri: GsUri
    destination_file_path: AnchoredPath

    @field_validator("destination_file_path")
    @classmethod
    def _is_folder(cls, path: Path) -> Path:
        if path.suffix and not holds_template(str(path)) and not path.is_dir():
            raise ValueError("it looks like a file, and must be a folder")
        return path

    def assets(self, asset_key: str, site: Site) -> list[Planned]:
        """The one asset."""
        return [Planned(asset_key, kinds=frozenset({"gcs", "file"}))]

    def run(self, context: Context) -> Iterator[Done]:
        """Copy the objects; each file is there when it is whole."""
        resource = context.site.resource("gcs")
        assert isinstance(resource, Gcs)
        bucket, _, prefix = self.source_file_uri.removeprefix("gs://").partition("/")
        count = size = 0
        with resource.client() as client:
            for blob in client.list_blobs(bucket, prefix=prefix):
                if blob.name.endswith("/"):  # a folder that a console has made
                    continue
                context.progress(f"downloading {blob.name}")
                size += _download(blob, self._target(blob.name, prefix))
                count += 1
        metadata: dict[str, Scalar] = {"file_count": count, "total_size_bytes": size}
        if count:
            metadata["source_file_uri"] = self.source_file_uri
            metadata["destination_file_path"] = str(self.destination_file_path)
        yield Done(context.asset_key, metadata)

    def _target(self, name: str, prefix: str) -> Path:
        """Where an object goes. SourceError for a name that leads out of the folder."""
        inside = PurePosixPath(name[prefix.rfind("/") + 1 :])
        if inside.is_absolute() or ".." in inside.parts:
            raise SourceError(f"the object '{name}' would be outside of the folder")
        return self.destination_file_path / inside


def _download(blob: Any, target: Path) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".odp-", dir=target.parent) as folder:
        draft = Path(folder) / target.name
        blob.download_to_filename(str(draft))
        size = draft.stat().st_size
        draft.replace(target)
    return size
