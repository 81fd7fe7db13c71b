"""Extract and normalize, overlapped: while the source is asked for more, the last batch is split.

The main thread runs the user's code and turns rows into Arrow, which needs the interpreter; one
worker splits Arrow into flat tables, which does not. A few batches at most are under way.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pyarrow as pa

from odp_dlt.errors import SourceError
from odp_dlt.extract.pages import Page
from odp_dlt.normalize.arrow import Reading, to_arrow
from odp_dlt.normalize.limits import Limits, limits_of
from odp_dlt.normalize.nested import normalize
from odp_dlt.pipeline.gather import Gather
from odp_dlt.pipeline.package import Package
from odp_dlt.schema.model import Column, Schema, Table
from odp_dlt.schema.naming import Naming

UNDER_WAY = 2
PROGRESS_EVERY_S = 0.5


@dataclass
class Splitter:
    """Splits batches one after the other and keeps the rows; used by the worker alone.

    Without a package only the schema is learned.
    """

    schema: Schema
    naming: Naming
    load_id: str
    package: Package | None
    seconds: float = 0.0

    def take(self, root: Table, batch: pa.StructArray) -> None:
        started = time.perf_counter()
        known = self.schema.tables.get(root.name, root)
        tables, changes = normalize(batch, known, self.schema, self.load_id, self.naming)
        self.schema = changes.applied(self.schema)
        if self.package is not None:
            for name, rows in tables.items():
                self.package.add(name, rows)
        self.seconds += time.perf_counter() - started


@dataclass
class _Stream:
    """What is known of one resource while its pages come in; used by the main thread alone."""

    root: Table
    limits: Limits
    gather: Gather = field(default_factory=Gather)
    reading: Reading = field(default_factory=Reading)
    rows: int = 0

    def batch(self, rows: list[object]) -> pa.StructArray:
        array, self.reading = to_arrow(rows, self.reading, self.limits)
        self.gather.learn(len(rows), array.nbytes)
        return array


@dataclass
class Extraction:
    """Runs pages through a splitter. `roots` are the root tables, by resource."""

    roots: Mapping[str, Table]
    splitter: Splitter
    progress: Callable[[str], None]
    limit: int | None = None
    rows: int = 0
    pages: int = 0
    told_at: float = 0.0

    def run(self, pages: Generator[Page, None, None]) -> Schema:
        """Take all `pages`, or `limit` rows a resource; the schema as it is then."""
        with ThreadPoolExecutor(1, "odp-normalize") as worker:
            pending: deque[Future[None]] = deque()
            try:
                for root, batch in self._batches(pages):
                    while len(pending) >= UNDER_WAY:
                        pending.popleft().result()
                    pending.append(worker.submit(self.splitter.take, root, batch))
                while pending:
                    pending.popleft().result()
            finally:
                pages.close()
                worker.shutdown(wait=True, cancel_futures=True)
        return self.splitter.schema

    def _batches(self, pages: Iterator[Page]) -> Iterator[tuple[Table, pa.StructArray]]:
        streams: dict[str, _Stream] = {}
        for page in pages:
            stream = streams.get(page.resource.name) or self._stream(page.resource.name)
            streams[page.resource.name] = stream
            for rows in stream.gather.add(self._rows(page, stream)):
                yield stream.root, stream.batch(rows)
            if self._is_enough(streams):
                break
        for stream in streams.values():
            rest = stream.gather.rest()
            if rest:
                yield stream.root, stream.batch(rest)

    def _stream(self, resource: str) -> _Stream:
        root = self.roots[resource]
        return _Stream(root, limits_of(root, self.splitter.schema, self.splitter.naming))

    def _rows(self, page: Page, stream: _Stream) -> list[object]:
        if not isinstance(page.rows, list):
            raise SourceError(
                f"resource '{page.resource.name}' yielded a {type(page.rows).__name__}",
                hint="Yield dicts or lists of dicts; of an Arrow table, `table.to_pylist()`.",
            )
        rows = page.rows
        if self.limit is not None:
            rows = rows[: max(0, self.limit - stream.rows)]
        stream.rows += len(rows)
        self.rows += len(rows)
        self.pages += 1
        self._tell()
        return rows

    def _is_enough(self, streams: Mapping[str, _Stream]) -> bool:
        if self.limit is None or len(streams) < len(self.roots):
            return False
        return all(stream.rows >= self.limit for stream in streams.values())

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self.told_at >= PROGRESS_EVERY_S:
            self.told_at = now
            self.progress(f"extracting: {self.rows:,} rows in {self.pages:,} pages")


def merged_root(hinted: Table, known: Table | None) -> Table:
    """The root table that a resource's hints describe, with the columns that are known of it."""
    if known is None:
        return hinted
    columns = dict(known.columns)
    for name, column in hinted.columns.items():
        before = columns.get(name)
        untyped = before is not None and column.data_type is None
        columns[name] = _hinted(before, column) if before and untyped else column
    return replace(
        hinted, columns=columns, seen_data=known.seen_data, description=known.description
    )


def _hinted(known: Column, hint: Column) -> Column:
    return replace(known, nullable=hint.nullable, hints={**known.hints, **hint.hints})
