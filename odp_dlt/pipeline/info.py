"""What a run did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from odp_dlt.pipeline.jobs import LoadPackageInfo
from odp_dlt.schema.model import Schema


@dataclass(frozen=True)
class TableLoad:
    """One table after a run: `rows` were loaded now (`size` bytes as Arrow), `total` it holds.

    `columns` are the real ones: name → the destination's type, in order.
    """

    name: str
    rows: int
    total: int
    address: str
    columns: Mapping[str, str]
    size: int = 0


@dataclass(frozen=True)
class LoadInfo:
    """One run of a pipeline: `load_id` None means that there was nothing to load.

    `tables` holds every table of the resources that ran and that exists now, 0 rows included;
    `seconds` the time of the phases `extract`, `normalize` and `load`, of which the first two
    overlap; `extracted` the rows that came, by resource; `discarded` what contracts left out: rows
    by `table`, values by `table.column`; `sent` the rows that were left for each table.
    `package` is None where nothing was loaded; `pipeline` is the one that ran, `first_run` whether
    its dataset knew nothing of it before.
    """

    pipeline_name: str
    dataset_name: str
    destination_name: str
    location: str
    load_id: str | None
    schema: Schema
    started_at: datetime
    finished_at: datetime
    seconds: Mapping[str, float] = field(default_factory=dict)
    tables: Mapping[str, TableLoad] = field(default_factory=dict)
    others: Sequence["LoadInfo"] = ()
    extracted: Mapping[str, int] = field(default_factory=dict)
    discarded: Mapping[str, int] = field(default_factory=dict)
    sent: Mapping[str, int] = field(default_factory=dict)
    package: LoadPackageInfo | None = None
    first_run: bool = False
    pipeline: Any = field(default=None, repr=False, compare=False)

    @property
    def loads_ids(self) -> list[str]:
        """The ids of all loads of the run: one for each source that had something to load."""
        return [info.load_id for info in (self, *self.others) if info.load_id is not None]

    @property
    def load_packages(self) -> list[LoadPackageInfo]:
        """The packages of all loads of the run, in the order of `loads_ids`."""
        return [info.package for info in (self, *self.others) if info.package is not None]

    @property
    def row_counts(self) -> dict[str, int]:
        """Table name → rows loaded by this run."""
        return {t.name: t.rows for info in (self, *self.others) for t in info.tables.values()}

    @property
    def destination_type(self) -> str:
        """dlt's name for the class of the destination: `dlt.destinations.duckdb`."""
        return f"dlt.destinations.{self.destination_name}"

    @property
    def destination_displayable_credentials(self) -> str:
        """dlt's word for `location`."""
        return self.location

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to load."""
        return not self.loads_ids

    @property
    def has_failed_jobs(self) -> bool:
        """False: a load commits as a whole, or the run raises."""
        return False

    def raise_on_failed_jobs(self) -> None:
        """Does nothing: a load that failed has raised already, and has written nothing."""

    @property
    def metrics(self) -> dict[str, list[dict[str, Any]]]:
        """By load id: when its load began and ended, and its jobs by their ids."""
        return {
            info.package.load_id: [
                {
                    "started_at": info.started_at,
                    "finished_at": info.finished_at,
                    "job_metrics": {j.job_file_info.job_id(): j for j in info.package.done},
                }
            ]
            for info in (self, *self.others)
            if info.package is not None
        }

    def asdict(self) -> dict[str, Any]:
        """As a row, with everything that is many nested in it: `pipeline.run([info], …)` takes it.

        Names are dlt's; `tables` and `seconds` are more than it says.
        """
        infos = (self, *self.others)
        return {
            "pipeline": {"pipeline_name": self.pipeline_name},
            "destination_type": self.destination_type,
            "destination_displayable_credentials": self.location,
            "destination_name": self.destination_name,
            "dataset_name": self.dataset_name,
            "loads_ids": self.loads_ids,
            "load_packages": [package.asdict() for package in self.load_packages],
            "first_run": self.first_run,
            "started_at": self.started_at,
            "finished_at": max(info.finished_at for info in infos),
            "job_metrics": [j.asdict() for p in self.load_packages for j in p.done],
            "tables": [
                {"name": t.name, "rows": t.rows, "total": t.total, "address": t.address}
                for info in infos
                for t in info.tables.values()
            ],
            "seconds": dict(self.seconds),
        }

    def asstr(self, verbosity: int = 0) -> str:
        """What the load did, in dlt's words, then a line for each table.

        With `verbosity` 2 every package has a line for each of its jobs too.
        """
        if self.is_empty:
            first = f"Pipeline {self.pipeline_name} load step found nothing to load"
        else:
            took = sum(info.seconds.get("load", 0.0) for info in (self, *self.others))
            first = f"Pipeline {self.pipeline_name} load step finished in {took:.2f} seconds"
        name = self.destination_name
        lines = [
            first,
            f"{len(self.loads_ids)} load package(s) were loaded to destination {name} "
            f"and into dataset {self.dataset_name}",
            f"The {name} destination used {self.location} location to store data",
            *(package.asstr(verbosity) for package in self.load_packages),
        ]
        for info in (self, *self.others):
            lines += [
                f"  {t.address}: {t.rows} row(s), {t.total} in all" for t in info.tables.values()
            ]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.asstr()
