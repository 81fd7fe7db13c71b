"""Extract and normalize, overlapped: while the source is asked for more, the last batch is split.

The main thread runs the user's code and turns rows into Arrow, which needs the interpreter; one
worker splits Arrow into flat tables, which does not. A few batches at most are under way.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import pyarrow as pa

from odp_dlt.extract.hints import Hints
from odp_dlt.extract.model_rows import ModelColumns, ModelRows
from odp_dlt.extract.pages import Page
from odp_dlt.extract.resource import Resource
from odp_dlt.normalize.arrow import Reading, to_arrow
from odp_dlt.normalize.hashes import Identity
from odp_dlt.normalize.limits import Limits, limits_of
from odp_dlt.normalize.nested import SchemaChanges, normalize
from odp_dlt.normalize.tabular import SystemColumns, flat_table
from odp_dlt.pipeline.apart import TableNames
from odp_dlt.pipeline.gather import Gather, cut, kinds, rows_of
from odp_dlt.pipeline.identity import identity_of, placed, require_keys, with_keys
from odp_dlt.pipeline.meter import Meter
from odp_dlt.pipeline.package import Package
from odp_dlt.schema.contract import HINT, Contracts
from odp_dlt.schema.merging import OWNER, has_key, is_broken_out
from odp_dlt.schema.model import ID, LOAD_ID, Column, Schema, Table
from odp_dlt.schema.naming import Naming

Declared = tuple[Table, ...]
"""A root table as hints declare it, and after it the nested tables that they speak of."""

Batch: TypeAlias = "pa.StructArray | pa.Table"
"""Rows as one array, or the Arrow table that the source itself yielded."""

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
    contracts: Contracts = field(default_factory=Contracts)
    system: SystemColumns = field(default_factory=SystemColumns)
    meter: Meter = field(default_factory=Meter)
    seconds: float = 0.0
    declared: dict[str, Declared] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    discarded: Counter[str] = field(default_factory=Counter)

    def take(self, declared: Declared, batch: Batch) -> None:
        started = time.perf_counter()
        known = self._known(declared)
        own = self._own(known)
        tables, changes = self._split(known, batch, own)
        changed = [self._addable(table) for table in changes.tables]
        verdict = self.contracts.judge(declared, self.schema, tables, changed, self.taken)
        self.taken[known.name] += len(batch)
        self.taken.update({name: tables[name].num_rows for name in own if name in tables})
        self.discarded.update(verdict.discarded)
        self.schema = SchemaChanges(verdict.changed).applied(self.schema)
        if self.package is not None:
            for name, rows in verdict.tables.items():
                kept = rows.drop_columns(OWNER) if name in own else rows
                self.package.add(name, kept)
                self.meter.add(name, kept.num_rows, kept.nbytes)
        self.seconds += time.perf_counter() - started

    def broken_out(self) -> list[Table]:
        """The tables that are not nested, and that lists have filled."""
        taken = [self.schema.tables[name] for name in self.taken if name in self.schema.tables]
        return [table for table in taken if has_key(table)]

    def _own(self, root: Table) -> dict[str, Identity]:
        """The tables that are broken out of rows of `root`, and what their rows are known by."""
        found = [t for t in self.schema.tables.values() if is_broken_out(t, root)]
        return {t.name: identity_of(t, self.schema, self.taken[t.name]) for t in found}

    def _split(
        self, root: Table, batch: Batch, own: Mapping[str, Identity]
    ) -> tuple[Mapping[str, pa.Table], SchemaChanges]:
        identity = identity_of(root, self.schema, self.taken[root.name])
        tables: Mapping[str, pa.Table]
        if isinstance(batch, pa.Table):
            tables, changes = flat_table(batch, root, self.load_id, self.naming, self.system)
            tables = placed(tables, root, identity)
        else:
            tables, changes = normalize(
                batch, root, self.schema, self.load_id, self.naming, identity, own
            )
        require_keys(tables[root.name], root, identity)
        for name in own.keys() & tables.keys():
            require_keys(tables[name], self.schema.tables[name], own[name])
        return tables, changes

    def _addable(self, table: Table) -> Table:
        """`table` with row ids that may be null, if it has rows of earlier runs without any: those
        that came as Arrow.
        """
        before = self.contracts.settled.get(table.name)
        if before is None:
            return table
        late = [table.columns[n] for n in (LOAD_ID, ID) if n in table.columns and n not in before]
        return table.with_columns([replace(c, nullable=True) for c in late]) if late else table

    def _known(self, declared: Declared) -> Table:
        """The root table with what is known of it; hints that are new here join the schema."""
        root, *nested = declared
        if self.declared.get(root.name) is not declared:
            self.declared[root.name] = declared
            if nested or root.name in self.schema.tables:
                merged = [merged_table(t, self.schema.tables.get(t.name)) for t in declared]
                self.schema = self.schema.with_tables(merged)
        return self.schema.tables.get(root.name, root)


@dataclass
class _Stream:
    """What is known of one table while its pages come in; used by the main thread alone."""

    hints: Hints
    declared: Declared
    limits: Limits
    model: ModelRows | None = None
    gather: Gather = field(default_factory=Gather)
    reading: Reading = field(default_factory=Reading)
    rows: int = 0

    def batches(self, page: list[Any] | pa.Table) -> Iterator[Batch]:
        """The batches that are full with `page`; an Arrow table makes its own."""
        if isinstance(page, pa.Table):
            yield from self.rest()
            yield from cut(page)
        else:
            for rows in self.gather.add(page):
                yield self._batch(rows)

    def rest(self) -> Iterator[Batch]:
        """The rows that still wait, if there are any."""
        rows = self.gather.rest()
        if rows:
            yield self._batch(rows)

    def _batch(self, rows: list[Any]) -> pa.StructArray:
        array, self.reading = to_arrow(rows, self.reading, self.limits)
        self.gather.learn(len(rows), array.nbytes)
        return array


@dataclass
class Extraction:
    """Runs pages through a splitter. `declare` says what a page's resource and hints declare.

    `roots` are then the root tables that rows came for, by name.
    """

    resources: Collection[str]
    declare: Callable[[Resource, Hints], Declared]
    splitter: Splitter
    names: TableNames
    progress: Callable[[str], None]
    limit: int | None = None
    roots: dict[str, Table] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    discarded: Counter[str] = field(default_factory=Counter)
    meter: Meter = field(default_factory=Meter)
    told_at: float = 0.0

    @property
    def left_out(self) -> dict[str, int]:
        """What contracts and models discarded: rows by `table`, values by `table.column`."""
        return dict(self.discarded + self.splitter.discarded)

    def run(self, pages: Generator[Page, None, None]) -> Schema:
        """Take all `pages`, or `limit` rows a resource; the schema as it is then."""
        with ThreadPoolExecutor(1, "odp-normalize") as worker:
            pending: deque[Future[None]] = deque()
            try:
                for declared, batch in self._batches(pages):
                    while len(pending) >= UNDER_WAY:
                        pending.popleft().result()
                    pending.append(worker.submit(self.splitter.take, declared, batch))
                while pending:
                    pending.popleft().result()
            finally:
                pages.close()
                worker.shutdown(wait=True, cancel_futures=True)
        return self.splitter.schema

    def _batches(self, pages: Iterator[Page]) -> Iterator[tuple[Declared, Batch]]:
        streams: dict[tuple[str, object], _Stream] = {}
        for page in pages:
            key = (page.resource.name, page.hints.table_name)
            stream = streams.get(key)
            if stream is None or (page.hints is not stream.hints and page.hints != stream.hints):
                if stream is not None:
                    for batch in stream.rest():
                        yield stream.declared, batch
                stream = streams[key] = self._stream(page.resource, page.hints)
            for rows in self._parts(page):
                for batch in stream.batches(self._held(rows, stream)):
                    yield stream.declared, batch
            if self._is_enough():
                break
        for stream in streams.values():
            for batch in stream.rest():
                yield stream.declared, batch

    def _stream(self, resource: Resource, hints: Hints) -> _Stream:
        self.names.claim(str(hints.table_name or resource.name), resource.name)
        declared = self.declare(resource, hints)
        root = declared[0]
        self.roots[root.name] = root
        limits = limits_of(declared, self.splitter.schema, self.splitter.naming)
        columns, model = hints.columns, None
        if isinstance(columns, ModelColumns):
            model = ModelRows(columns, hints.schema_contract, resource.name)
        return _Stream(hints, declared, limits, model)

    def _parts(self, page: Page) -> Iterator[list[Any] | pa.Table]:
        """The rows of `page`, as far as the limit lets them: lists and Arrow tables apart."""
        name = page.resource.name
        for rows in kinds(page.rows, name):
            left = None if self.limit is None else max(0, self.limit - self.taken[name])
            part = rows[:left]
            rows_in_part = rows_of(part)
            self.taken[name] += rows_in_part
            self.meter.taken[name] += rows_in_part
            yield part
        self._tell()

    def _held(self, rows: list[Any] | pa.Table, stream: _Stream) -> list[Any] | pa.Table:
        """`rows` as the model of the columns has them, if there is one; Arrow has types already."""
        if stream.model is None or isinstance(rows, pa.Table):
            return rows
        held = stream.model.held(rows, stream.rows)
        stream.rows += len(rows)
        self.discarded[stream.declared[0].name] += len(rows) - len(held)
        return held

    def _is_enough(self) -> bool:
        if self.limit is None:
            return False
        return all(self.taken[name] >= self.limit for name in self.resources)

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self.told_at >= PROGRESS_EVERY_S:
            self.told_at = now
            self.progress(self.meter.line())


def merged_table(hinted: Table, known: Table | None) -> Table:
    """The table that hints describe, with the columns that are known of it."""
    if known is None:
        return hinted
    known = with_keys(hinted, known)
    if hinted.parent is not None and known.parent is None:  # its key was said in an earlier run
        kept = {f: getattr(known, f) for f in ("parent", "resource", "write_disposition")}
        hinted = replace(hinted, **kept)
    columns = dict(known.columns)
    for name, column in hinted.columns.items():
        before = columns.get(name)
        columns[name] = column if before is None else _hinted(before, column)
    contract = {HINT: known.hints[HINT]} if HINT in known.hints else {}
    return replace(
        hinted,
        columns=columns,
        seen_data=known.seen_data,
        max_nesting=known.max_nesting if hinted.max_nesting is None else hinted.max_nesting,
        description=known.description,
        hints={**contract, **hinted.hints},
    )


def _hinted(known: Column, hint: Column) -> Column:
    """`known` with what the hint says; a hint that says nothing of nulls leaves that as it is."""
    nullable = known.nullable if hint.nullable is None else hint.nullable
    if hint.data_type is not None:
        return replace(hint, nullable=nullable)
    return replace(known, nullable=nullable, hints={**known.hints, **hint.hints})
