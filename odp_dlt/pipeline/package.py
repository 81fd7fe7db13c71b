"""Load packages: what a run has extracted and not yet loaded, as Arrow files in its own folder.

Nothing here is keyed by a pipeline's name: every run has its own folder, so runs do not know each
other. A folder is locked by the process that fills it; one whose process died is swept away by the
next run, since its rows were never committed and the state that would skip them neither.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from filelock import FileLock, Timeout

from odp_dlt.errors import SourceError
from odp_dlt.normalize.ids import random_ids
from odp_dlt.schema.model import ID, LOAD_ID

PREFIX = "odp-load-"
_LOCK = "in-use.lock"
_GATE = ".odp-load.lock"


@dataclass(frozen=True)
class Package:
    """The rows of one load, by table, in the order they were added."""

    folder: Path
    load_id: str
    files: dict[str, list[Path]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    columns: dict[str, dict[str, pa.DataType]] = field(default_factory=dict)

    def add(self, table: str, rows: pa.Table) -> None:
        """Keep `rows` in a file; its columns may differ from those of the table's other files."""
        files = self.files.setdefault(table, [])
        path = self.folder / f"{len(self.files):05d}-{sum(map(len, self.files.values())):06d}.arrow"
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, rows.schema) as writer:
            writer.write_table(rows)
        files.append(path)
        self.counts[table] = self.counts.get(table, 0) + rows.num_rows
        self.columns.setdefault(table, {}).update({f.name: f.type for f in rows.schema})

    def rows(self, table: str, schema: pa.Schema) -> pa.RecordBatchReader:
        """The rows of `table`, every batch with exactly the columns of `schema`; read as asked
        for.
        """
        return pa.RecordBatchReader.from_batches(schema, self._batches(table, schema))

    def _batches(self, table: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for path in self.files.get(table, ()):
            with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as reader:
                for batch in reader:
                    yield self._conformed(batch, schema, table)

    def _conformed(self, batch: pa.RecordBatch, schema: pa.Schema, table: str) -> pa.RecordBatch:
        if batch.schema.equals(schema):
            return batch
        arrays = []
        for wanted in schema:
            index = batch.schema.get_field_index(wanted.name)
            if index < 0:
                arrays.append(self._filled(wanted, batch.num_rows))
                continue
            try:
                arrays.append(batch.column(index).cast(wanted.type))
            except pa.ArrowInvalid as e:
                raise SourceError(
                    f"values do not fit {wanted.type}: {e}", at=f"{table}.{wanted.name}"
                ) from e
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _filled(self, column: pa.Field, rows: int) -> pa.Array:
        """Nulls, but ids for rows of Arrow pages that came before the table was to have ids."""
        if column.name == ID:
            return random_ids(rows)
        if column.name == LOAD_ID:
            return pa.repeat(pa.scalar(self.load_id), rows)
        return pa.nulls(rows, column.type)


@contextmanager
def new_package(load_id: str, work_dir: Path | None = None) -> Iterator[Package]:
    """An empty package in a new folder below `work_dir`, which is gone when the `with` is left.

    Without `work_dir` it is one of this user's own in the system's folder for temporary files.
    """
    home = own_folder() if work_dir is None else work_dir
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(home / _GATE, thread_local=False):  # or a folder could be swept while being made
        _sweep(home)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))
        lock = FileLock(folder / _LOCK, thread_local=False)
        lock.acquire()
    try:
        yield Package(folder, load_id)
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def own_folder() -> Path:
    """Where packages are if nobody says so: this user's own, in the system's temporary folder."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"odp-dlt-{user}"


def _sweep(home: Path) -> None:
    """Remove the folders that dead processes left: those whose lock nobody holds."""
    for folder in home.glob(f"{PREFIX}*"):
        lock = FileLock(folder / _LOCK, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            continue
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def arrow_schema(columns: Sequence[str], types: dict[str, pa.DataType]) -> pa.Schema:
    """The Arrow schema of those of `columns` that are in `types`, in the order of `columns`."""
    return pa.schema([(name, types[name]) for name in columns if name in types])
