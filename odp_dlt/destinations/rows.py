"""Rows on their way from a package into a database."""

from collections.abc import Iterator

import pyarrow as pa

from odp_dlt.errors import OdpError


class Rows:
    """Rows on their way into a driver, which would hide what goes wrong in making them."""

    def __init__(self, rows: pa.RecordBatchReader, schema: pa.Schema) -> None:
        self.source = rows
        self.failure: OdpError | None = None
        self.reader = pa.RecordBatchReader.from_batches(schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self.source:
                yield self.changed(batch)
        except OdpError as e:
            self.failure = e
            raise

    def changed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`batch` as the driver takes it."""
        return batch
