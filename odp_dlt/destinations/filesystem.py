"""Folders and buckets: every table a set of files, counted by a manifest that is written last."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from odp_dlt.destinations.base import Destination, Session
from odp_dlt.destinations.files.access import (
    Credentials,
    checked_url,
    is_local,
    local_path,
    open_store,
)
from odp_dlt.destinations.files.formats import Compression, FileFormat, compressions
from odp_dlt.destinations.files.layout import DEFAULT_LAYOUT, Layout
from odp_dlt.destinations.files.lock import locked
from odp_dlt.destinations.files.reading import FileTable
from odp_dlt.destinations.files.session import FileSession, Style, writing
from odp_dlt.destinations.files.snapshot import snapshot
from odp_dlt.destinations.files.store import Store
from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.schema.model import Column, Disposition
from odp_dlt.schema.types import arrow_type
from odp_dlt.settings import Settings

_SECTIONS = ("destination", "filesystem")


def _anchored_url(url: str, info: ValidationInfo) -> str:
    checked, root = checked_url(url), (info.context or {}).get("root")
    if root is not None and is_local(checked):
        return str(Path(root) / local_path(checked))
    return checked


BucketUrl = Annotated[str, AfterValidator(_anchored_url)]


class Filesystem(Destination):
    """A local folder (a relative path counts from the project's root), or a bucket.

    `credentials` and `bucket_url`, where they are not given, come from the settings. A new file is
    begun after about `file_size_mb`. Replaced files are deleted when the load is committed, as
    tools that read whole folders want it; with `next_load` only by the load after, so that who
    reads by the manifest is not disturbed either.
    """

    dispositions: ClassVar[frozenset[Disposition]] = frozenset({"append", "replace"})
    holds_files: ClassVar[bool] = True
    main_param: ClassVar[str] = "bucket_url"

    bucket_url: BucketUrl | None = None
    credentials: Credentials | None = Field(default=None, repr=False)
    extra_placeholders: dict[str, str] = Field(default_factory=dict)
    layout: str = DEFAULT_LAYOUT
    format: FileFormat = "parquet"
    compression: Compression | None = None
    file_size_mb: float = Field(default=256, gt=0)
    remove_replaced: Literal["next_load", "at_once"] = "at_once"
    wait_s: float = Field(default=600.0, gt=0)
    lease_s: float = Field(default=30.0, gt=0)

    @field_validator("layout")
    @classmethod
    def _checked_layout(cls, layout: str, info: ValidationInfo) -> str:
        return Layout(layout, info.data.get("extra_placeholders", {})).template

    @field_validator("compression")
    @classmethod
    def _checked_compression(
        cls, compression: Compression | None, info: ValidationInfo
    ) -> Compression | None:
        kind = info.data.get("format", "parquet")
        able = compressions(kind)
        if compression is not None and compression not in able:
            raise ValueError(
                f"{kind} files cannot be compressed with '{compression}'. "
                f"{nearest(compression, able)}"
            )
        return compression

    def with_settings(self, settings: Settings) -> Self:
        """This destination with what it was not given, from `[destination.filesystem]`."""
        found: dict[str, Any] = {}
        if self.bucket_url is None:
            url = _setting(settings, "bucket_url", secret=False)
            if url is not None:
                found["bucket_url"] = _checked(str(url))
        if self.credentials is None:
            keys = {
                name: _setting(settings, f"credentials.{name}", secret=name not in _PLAIN)
                for name in Credentials.model_fields
            }
            found["credentials"] = Credentials.model_validate(keys)
        return super().with_settings(settings).model_copy(update=found)

    @contextmanager
    def open(self, dataset: str, *, write: bool = True) -> Iterator[Session]:
        store, style = self._dataset(dataset), self._style
        if not write:
            yield FileSession(store, style, snapshot(store, style.layout))
            return
        with (
            locked(store, self.wait_s, self.lease_s),
            writing(store, style, snapshot(store, style.layout)) as session,
        ):
            yield session

    def tables(self, dataset: str) -> dict[str, FileTable]:
        """All tables of `dataset` that have columns, as the newest complete load left them."""
        store = self._dataset(dataset)
        found = snapshot(store, self._layout).manifest.tables
        return {
            name: FileTable(name, table, store) for name, table in found.items() if table.columns
        }

    def address(self, dataset: str, table: str) -> str:
        """The folder that all files of `table` are in: a bucket's URL, or an absolute path.

        A `file:` URI would have to be percent-encoded for pyarrow, and DuckDB does not decode it.
        """
        return f"{self._uri()}/{dataset}/{self._layout.folder(table)}"

    def location(self) -> str:
        return self._uri()

    def type_name(self, column: Column) -> str | None:
        return str(arrow_type(column)) if column.data_type else None

    @property
    def _layout(self) -> Layout:
        return Layout(self.layout, self.extra_placeholders)

    @property
    def _style(self) -> Style:
        compression = self.compression or compressions(self.format)[0]
        file_bytes = int(self.file_size_mb * (1 << 20))
        at_once = self.remove_replaced == "at_once"
        return Style(self._layout, self.format, compression, file_bytes, at_once)

    def _dataset(self, dataset: str) -> Store:
        known = self
        if self.credentials is None or self.bucket_url is None:  # a run exports its secrets
            known = self.with_settings(Settings((), os.environ))
        url = known._url()
        return open_store(url, known.credentials or Credentials()).below(dataset)

    def _uri(self) -> str:
        url = self._url()
        return local_path(url).resolve().as_posix() if is_local(url) else url

    def _url(self) -> str:
        if self.bucket_url is None:
            raise ConfigError(
                "the filesystem destination has no bucket_url",
                hint="Give it one: `destination_params: {bucket_url: data/lake}`.",
            )
        return self.bucket_url


_PLAIN = frozenset({"region_name", "endpoint_url", "profile_name", "azure_storage_account_name"})


def _setting(settings: Settings, key: str, *, secret: bool) -> Any:
    return settings.resolve(key, sections=_SECTIONS, hint=str, secret=secret, default=None)


def _checked(url: str) -> str:
    try:
        return checked_url(url)
    except ValueError as e:
        raise ConfigError(str(e), at="bucket_url") from e
