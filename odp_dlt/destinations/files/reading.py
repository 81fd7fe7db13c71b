"""Tables of a dataset of files, read by the manifest: only whole loads are ever seen."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from odp_dlt.destinations.files.formats import batches
from odp_dlt.destinations.files.manifest import File, TableFiles
from odp_dlt.destinations.files.store import Store
from odp_dlt.errors import ConfigError, RetriableError


@dataclass(frozen=True)
class FileTable:
    """One table as it was when it was looked up; loads since then do not change it.

    Its files stay for as long as one more load runs; after that, reading a replaced table raises
    RetriableError.
    """

    name: str
    content: TableFiles
    store: Store

    @property
    def rows(self) -> int:
        """How many rows it has; nothing is read for that."""
        return self.content.rows

    @property
    def schema(self) -> pa.Schema:
        """Its columns. Older files may lack some; they read as null."""
        return self.content.arrow_schema()

    @property
    def uris(self) -> list[str]:
        """Its files: what `read_parquet([...])` of DuckDB and others take."""
        return [f"{self.store.uri}/{file.path}" for file in self.content.files]

    def reader(self) -> pa.RecordBatchReader:
        """Its rows, a batch at a time, whatever the format."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    def read(self) -> pa.Table:
        """Its rows."""
        return self.reader().read_all()

    def dataset(self) -> pads.Dataset:
        """It as a pyarrow dataset, which filters before it reads. ConfigError unless Parquet."""
        other = [f.path for f in self.content.files if not f.path.endswith(".parquet")]
        if other:
            raise ConfigError(
                f"'{other[0]}' is not Parquet, so table '{self.name}' is no pyarrow dataset",
                hint="Read it with reader() or read().",
            )
        paths = [self.store.at(file.path) for file in self.content.files]
        return pads.FileSystemDataset.from_paths(
            paths, schema=self.schema, format=pads.ParquetFileFormat(), filesystem=self.store.system
        )

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for file in self.content.files:
            yield from self._of(file)

    def _of(self, file: File) -> Iterator[pa.RecordBatch]:
        try:
            source = self.store.source(file.path)
        except FileNotFoundError as e:
            raise RetriableError(
                f"'{file.path}' is gone: a load has replaced table '{self.name}' since it was "
                "looked up",
                at=self.store.uri,
                hint="Look it up again.",
            ) from e
        with source:
            for batch in batches(source, file.path, self.content.columns):
                yield self._conformed(batch)

    def _conformed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        present = set(batch.schema.names)
        arrays = [
            batch.column(field.name).cast(field.type)
            if field.name in present
            else pa.nulls(batch.num_rows, field.type)
            for field in self.schema
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def matching(batch: pa.RecordBatch, where: Mapping[str, str]) -> pa.Array:
    """For each row whether its columns equal `where`; null equals nothing."""
    found = pa.repeat(pa.scalar(True), batch.num_rows)
    for name, value in where.items():
        equal = pc.equal(batch.column(name).cast(pa.string()), value)
        found = pc.and_(found, pc.fill_null(equal, False))
    return found
