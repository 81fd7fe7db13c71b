"""A session on a dataset of files: data files, dlt's records, then the manifest."""

import logging
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from odp_dlt.destinations.base import Session
from odp_dlt.destinations.files.formats import Compression, FileFormat, extension, writer
from odp_dlt.destinations.files.layout import Layout
from odp_dlt.destinations.files.manifest import (
    MANIFESTS,
    File,
    Manifest,
    TableFiles,
    manifest_version,
)
from odp_dlt.destinations.files.query import select
from odp_dlt.destinations.files.reading import FileTable, matching
from odp_dlt.destinations.files.records import (
    INIT,
    INIT_CONTENT,
    as_table,
    chosen,
    is_record,
    read_record,
    record_file,
    rows_of,
)
from odp_dlt.destinations.files.snapshot import Intent, Snapshot
from odp_dlt.destinations.files.store import Store
from odp_dlt.errors import DestinationError, StateMoved
from odp_dlt.schema.model import LOAD_ID, Table
from odp_dlt.schema.types import arrow_type

log = logging.getLogger(__name__)

KEPT_MANIFESTS = 10


@dataclass(frozen=True)
class Style:
    """How data files are written: a new one is begun after `file_bytes`."""

    layout: Layout
    kind: FileFormat
    compression: Compression
    file_bytes: int
    at_once: bool

    @property
    def ext(self) -> str:
        return extension(self.kind, self.compression)


class FileSession(Session):
    """Nothing that it writes counts before `commit`."""

    def __init__(self, store: Store, style: Style, base: Snapshot) -> None:
        self.store = store
        self.style = style
        self._base = base
        self._tables: dict[str, TableFiles] = dict(base.manifest.tables)
        self._token = secrets.token_hex(6)
        self._intents: list[Intent] = []
        self._folders: set[str] = set()
        self._records: dict[str, tuple[File, bytes, str]] = {}
        self._removed: set[str] = set()
        self._written = 0
        self._load_id: str | None = None
        self._schema: str | None = None

    def begin(self, load_id: str, schema: str) -> None:
        """Say what the load is called, and whose schema it has, before its first row."""
        self._load_id, self._schema = load_id, schema

    def columns(self, table: str) -> dict[str, str]:
        found = self._tables.get(table)
        return {n: str(arrow_type(c)) for n, c in found.columns.items()} if found else {}

    def evolve(self, table: Table) -> None:
        there = self._tables.get(table.name, TableFiles())
        new = {n: c for n, c in table.typed_columns().items() if n not in there.columns}
        required = [name for name, column in new.items() if not column.is_nullable]
        if required and there.rows and not is_record(table.name):
            raise DestinationError(
                f"column '{required[0]}' of table '{table.name}' may not be null, "
                "but rows exist that have no value for it",
                at=self.store.uri,
                hint="Declare the column nullable, or load into a new dataset.",
            )
        self._tables[table.name] = replace(there, columns={**there.columns, **new})

    def load(
        self, family: Sequence[Table], rows: Mapping[str, pa.RecordBatchReader]
    ) -> dict[str, int]:
        if family[0].write_disposition == "replace":
            for table in family:
                self._empty(table.name)
        return {t.name: self._append(t.name, rows[t.name]) for t in family if t.name in rows}

    def read(
        self, table: str, *, where: Mapping[str, str] | None = None, newest_by: str | None = None
    ) -> pa.Table:
        there = self._tables.get(table)
        if there is None:
            return pa.table({})
        if is_record(table):
            rows = {file.path: file.keys for file in there.files}
            paths = chosen(rows, where or {}, newest_by)
            return as_table(table, [self._record(path) for path in paths])
        batches = FileTable(table, there, self.store).reader()
        wanted = [batch.filter(matching(batch, where or {})) for batch in batches]
        found = pa.Table.from_batches(wanted, there.arrow_schema())
        if newest_by and found.num_rows:
            found = found.sort_by([(newest_by, "descending")]).slice(0, 1)
        return found

    def count(self, table: str) -> int:
        return self._tables.get(table, TableFiles()).rows

    def drop(self, table: str) -> None:
        self._empty(table)
        self._tables.pop(table, None)

    def remove(self, table: str, where: Mapping[str, str] | None = None) -> None:
        there = self._tables.get(table)
        if there is None:
            return
        if is_record(table) and where:
            gone = set(chosen({f.path: f.keys for f in there.files}, where, None))
            self._let_go(table, gone)
            return
        self._empty(table)
        if where:
            rows = FileTable(table, there, self.store).reader()
            kept = (batch.filter(pc.invert(matching(batch, where))) for batch in rows)
            self._append(table, pa.RecordBatchReader.from_batches(rows.schema, kept))

    def remove_loads(self, family: Sequence[Table], load_ids: Sequence[str]) -> int:
        before = self.count(family[0].name)
        for table in family:
            files = self._tables.get(table.name, TableFiles()).files
            said = {file.path: self.style.layout.read(file.path) for file in files}
            if any(found is None or found.load_id is None for found in said.values()):
                raise DestinationError(
                    f"the files of '{table.name}' do not tell which load brought them, "
                    "so what a partition loaded before cannot be replaced",
                    at=self.store.uri,
                    hint="Name {load_id} in the layout, or add to them: "
                    "`run_params: {rerun: append}`.",
                )
            gone = {path for path, found in said.items() if found and found.load_id in load_ids}
            if gone:
                self._let_go(table.name, gone)
        return before - self.count(family[0].name)

    def named(self, table: str) -> str:
        return '"' + table.replace('"', '""') + '"'

    def select(self, sql: str) -> pa.Table:
        there = {
            name: partial(self._scanned, name) for name, t in self._tables.items() if t.columns
        }
        return select(sql, there, self.store.uri)

    def commit(self) -> None:
        """Make everything count, in one step; then tidy up after earlier loads.

        StateMoved if another load committed since this one began.
        """
        base = self._base.manifest
        if self._tables == self._base.found.tables and not self._removed:
            return
        if self._records:
            self._announce(records=tuple(self._records))
        for path, (_, data, _) in self._records.items():
            self.store.write(path, data)
        self.store.create(INIT, INIT_CONTENT)
        version = base.version + 1
        still = tuple(each for each in base.removed if each[1] >= base.version - 1)
        removed = (*still, *((path, version) for path in sorted(self._removed)))
        manifest = Manifest(version, self._token, self._tables, removed)
        if not self.store.create(manifest.name, manifest.dump()) and not self._is_ours(manifest):
            self.undo()
            raise StateMoved(
                "another load committed to the dataset while this one was writing",
                at=self.store.uri,
                hint="Nothing of this one counts; run it again.",
            )
        self._tidy(manifest)

    def undo(self) -> None:
        """Delete what was written, as far as that works; what stays, the next load deletes."""
        try:
            for intent in self._intents:
                discard(self.store, intent, set())
        except DestinationError as e:
            log.warning("what this load wrote is deleted by the next one, as here it failed: %s", e)

    def _append(self, table: str, rows: pa.RecordBatchReader) -> int:
        if is_record(table):
            return self._append_records(table, rows.read_all())
        there = self._tables[table]
        columns = [there.columns[name] for name in rows.schema.names]
        schema = pa.schema([(c.name, arrow_type(c)) for c in columns])
        required = [c.name for c in columns if not c.is_nullable]
        files: list[File] = []
        batches = iter(rows)
        batch = next(batches, None)
        while batch is not None:
            path = self._path(table, batch)
            count, sink_size = 0, 0
            with self.store.sink(path) as sink:
                with closing(writer(sink, columns, self.style.kind, self.style.compression)) as out:
                    while batch is not None and sink_size < self.style.file_bytes:
                        out.write(self._conformed(batch, schema, table, required))
                        count, sink_size = count + batch.num_rows, sink.tell()
                        batch = next(batches, None)
                sink_size = sink.tell()
            files.append(File(path, count, sink_size))
        self._tables[table] = replace(there, files=(*there.files, *files))
        return sum(file.rows for file in files)

    def _append_records(self, table: str, rows: pa.Table) -> int:
        for row in rows_of(rows):
            file, data = record_file(table, row)
            self._records[file.path] = (file, data, table)
            there = self._tables[table]
            self._tables[table] = replace(there, files=(*there.files, file))
        return int(rows.num_rows)

    def _scanned(self, table: str) -> object:
        """Parquet as a dataset, of which a query reads what it needs; the others whole."""
        there = self._tables[table]
        if is_record(table) or not all(f.path.endswith(".parquet") for f in there.files):
            return self.read(table)
        found = FileTable(table, there, self.store)
        return found.dataset() if there.files else found.read()

    def _record(self, path: str) -> dict[str, Any]:
        if path in self._records:
            row: dict[str, Any] = orjson.loads(self._records[path][1])
            return row
        return read_record(self.store, path)[1]

    def _conformed(
        self, batch: pa.RecordBatch, schema: pa.Schema, table: str, required: Sequence[str]
    ) -> pa.RecordBatch:
        for name in required:
            if batch.column(name).null_count:
                raise DestinationError(
                    f"column '{name}' of table '{table}' may not be null, and a row has no value "
                    "for it",
                    at=self.store.uri,
                )
        try:
            return batch.cast(schema)
        except pa.ArrowInvalid as e:
            raise DestinationError(
                f"values of table '{table}' do not fit its columns: {e}", at=self.store.uri
            ) from e

    def _path(self, table: str, first: pa.RecordBatch) -> str:
        """A path for the next file of `table`, announced before anything is written there."""
        if self._load_id is None:
            ids = first.column(LOAD_ID) if LOAD_ID in first.schema.names else None
            self._load_id = str(ids[0].as_py()) if ids is not None else str(time.time())
        layout = self.style.layout
        if self._schema is None and layout.needs_schema():
            raise DestinationError(
                "the layout names {schema_name}, and nobody said what it is", at=self.store.uri
            )
        file_id = f"{self._token}{self._written:04x}"
        self._written += 1
        path = layout.path(table, self._load_id, file_id, self.style.ext, self._schema or "")
        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            self._folders.add(folder)
            self._announce(folders=(folder,))
        return path

    def _announce(self, folders: tuple[str, ...] = (), records: tuple[str, ...] = ()) -> None:
        intent = Intent(self._token, len(self._intents), folders, records)
        self._intents.append(intent)
        self.store.write(intent.name, intent.dump())

    def _empty(self, table: str) -> None:
        if table in self._tables:
            self._let_go(table, {file.path for file in self._tables[table].files})

    def _let_go(self, table: str, paths: set[str]) -> None:
        there = self._tables[table]
        kept = tuple(file for file in there.files if file.path not in paths)
        self._tables[table] = replace(there, files=kept)
        for path in paths:
            if self._records.pop(path, None) is None:
                self._removed.add(path)

    def _is_ours(self, manifest: Manifest) -> bool:
        """Whether the manifest that is there was written by a try whose answer got lost."""
        data = self.store.read(manifest.name)
        return data is not None and Manifest.load(data, manifest.name).token == manifest.token

    def _tidy(self, manifest: Manifest) -> None:
        """Delete what no longer counts. The load has committed, so a failure here is no failure."""
        old = [path for path, version in manifest.removed if version < manifest.version]
        gone = [*old, *(self._removed if self.style.at_once else ())]
        try:
            for path in gone:
                self.store.delete(path)
            counted = manifest.paths()
            for intent in self._base.intents:  # dead, or about to find that it cannot commit
                discard(self.store, intent, counted)
            for intent in self._intents:
                self.store.delete(intent.name)
            for path in self.store.files(MANIFESTS, hidden=True):
                if manifest_version(path) <= manifest.version - KEPT_MANIFESTS:
                    self.store.delete(path)
        except DestinationError as e:
            log.warning("the load is complete, but not tidied up: %s", e)


def discard(store: Store, intent: Intent, keep: set[str]) -> None:
    """Delete the files of a load that is over, but those to `keep`; then its intent."""
    for folder in intent.folders:
        for path in store.files(folder, hidden=True):
            if intent.owns(path) and path not in keep:
                store.delete(path)
    for path in intent.records:
        if path not in keep:
            store.delete(path)
    store.delete(intent.name)


@contextmanager
def writing(store: Store, style: Style, base: Snapshot) -> Iterator[FileSession]:
    """A session that commits when the `with` is left in order, and deletes its files otherwise."""
    session = FileSession(store, style, base)
    try:
        yield session
    except BaseException:
        session.undo()
        raise
    session.commit()
