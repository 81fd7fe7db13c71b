"""The package of a load as dlt's users read it: one job for each table that rows went to.

A package lives as long as its run: its folder and files are gone when anybody can read this.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from odp_dlt.pipeline.package import Package
from odp_dlt.schema.model import STATE_TABLE, Schema, Table
from odp_dlt.schema.stored import to_stored

DONE = "completed_jobs"
_NO_JOBS: Mapping[str, tuple["LoadJobInfo", ...]] = {
    "started_jobs": (), "new_jobs": (), "failed_jobs": (),
}  # fmt: skip


@dataclass(frozen=True)
class JobFileName:
    """What the name of a job is made of: `<table>.<file_id>.<retries>.<format>`."""

    table_name: str
    file_id: str
    retry_count: int = 0
    file_format: str = "arrow"
    is_compressed: bool = False

    def job_id(self) -> str:
        """The name of the job, whatever number of times it was tried."""
        return f"{self.table_name}.{self.file_id}.{self.file_format}"

    def file_name(self) -> str:
        """The name of the job with the number of times it was tried before."""
        return f"{self.table_name}.{self.file_id}.{self.retry_count}.{self.file_format}"


@dataclass(frozen=True)
class LoadJobInfo:
    """The rows of one table in a package: in `files` Arrow files of `file_size` bytes together.

    It is done when the load has committed; a load that fails has none, it raises.
    """

    job_file_info: JobFileName
    rows: int
    files: int
    file_size: int
    file_path: str
    created_at: datetime
    elapsed: float
    state: str = DONE
    failed_message: str | None = None

    def asdict(self) -> dict[str, Any]:
        """As a row."""
        return {
            "state": self.state,
            "file_path": self.file_path,
            "file_size": self.file_size,
            "created_at": self.created_at,
            "elapsed": self.elapsed,
            "failed_message": self.failed_message,
            "table_name": self.job_file_info.table_name,
            "file_id": self.job_file_info.file_id,
            "retry_count": self.job_file_info.retry_count,
            "file_format": self.job_file_info.file_format,
            "rows": self.rows,
            "files": self.files,
            "job_id": self.job_file_info.job_id(),
        }


@dataclass(frozen=True)
class LoadPackageInfo:
    """One package: `state` is extracted, normalized or loaded, as of the step that tells of it.

    `extracted` holds rows by resource, before they were normalized. `schema_update` holds, in
    dlt's dictionaries, the tables that this load made and the columns that it added.
    """

    load_id: str
    package_path: str
    schema: Schema
    completed_at: datetime
    done: Sequence[LoadJobInfo] = ()
    state: str = "loaded"
    schema_update: Mapping[str, Any] = field(default_factory=dict)
    extracted: Mapping[str, int] = field(default_factory=dict)
    refresh: str | None = None
    dropped_tables: Sequence[str] = ()
    truncated_tables: Sequence[str] = ()

    @property
    def jobs(self) -> dict[str, list[LoadJobInfo]]:
        """By state, as dlt sorts them: all are in `completed_jobs`."""
        return {**{state: list(none) for state, none in _NO_JOBS.items()}, DONE: list(self.done)}

    @property
    def row_counts(self) -> dict[str, int]:
        """Rows by table as they were normalized, before any merge."""
        return {job.job_file_info.table_name: job.rows for job in self.done}

    @property
    def schema_name(self) -> str:
        return self.schema.name

    @property
    def schema_hash(self) -> str:
        return self.schema.version_hash

    def asdict(self) -> dict[str, Any]:
        """As a row, with `jobs` and changed `tables` nested in it."""
        return {
            "load_id": self.load_id,
            "package_path": self.package_path,
            "state": self.state,
            "completed_at": self.completed_at,
            "jobs": [job.asdict() for job in self.done],
            "refresh": self.refresh,
            "dropped_tables": list(self.dropped_tables),
            "truncated_tables": list(self.truncated_tables),
            "schema_hash": self.schema_hash,
            "schema_name": self.schema_name,
            "tables": [self._changed(table) for table in self.schema_update.values()],
        }

    def asstr(self, verbosity: int = 0) -> str:
        """One line in dlt's words; with `verbosity` 2 every job on a line of its own."""
        said = f" with refresh '{self.refresh}'" if self.refresh else ""
        status = self.state.upper()
        if self.state != "loaded":
            status += " and NOT YET LOADED to the destination"
        lines = [f"Load package {self.load_id}{said} is {status} and contains no failed jobs"]
        if verbosity > 1:
            lines += [
                f"  {job.job_file_info.table_name}: {job.rows} row(s) in {job.files} file(s), "
                f"{job.file_size} bytes"
                for job in self.done
            ]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.asstr()

    def _changed(self, table: Mapping[str, Any]) -> dict[str, Any]:
        of = {"schema_name": self.schema_name, "load_id": self.load_id}
        columns = [{**c, "table_name": table["name"], **of} for c in table["columns"].values()]
        return {**table, "columns": columns, **of}


def jobs_of(package: Package, state_rows: int, elapsed: float) -> list[LoadJobInfo]:
    """The jobs of `package`, while its files are there; `elapsed` seconds is what the load took."""
    made = datetime.fromtimestamp(float(package.load_id)).astimezone()
    counts = dict(package.counts)
    if state_rows:
        counts[STATE_TABLE] = state_rows
    jobs = []
    for number, (table, rows) in enumerate(counts.items()):
        files = package.files.get(table, [])
        name = JobFileName(table, f"{number:010x}")
        size = sum(path.stat().st_size for path in files)
        path = str(files[0]) if files else str(package.folder / name.file_name())
        jobs.append(LoadJobInfo(name, rows, len(files), size, path, made, elapsed))
    return jobs


def schema_update(before: Schema | None, now: Schema) -> dict[str, Any]:
    """What `now` has and `before` had not: whole tables, and tables with their new columns only."""
    known: Mapping[str, Table] = before.tables if before is not None else {}
    found = {}
    for name, table in to_stored(now)["tables"].items():
        there = known[name].typed_columns() if name in known else {}
        typed = now.tables[name].typed_columns()
        new = {c: said for c, said in table["columns"].items() if c in typed and c not in there}
        if new:
            found[name] = {**table, "name": name, "columns": new}
    return found
