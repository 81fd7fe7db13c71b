"""What a pipeline's dataset remembers of it, and what dlt keeps in a folder and this does not."""

import dataclasses
from pathlib import Path
from typing import Any, Self

from odp_dlt.destinations.base import Destination
from odp_dlt.errors import ConfigError
from odp_dlt.extract import current
from odp_dlt.pipeline.client import SqlClient
from odp_dlt.pipeline.dataset import Dataset
from odp_dlt.pipeline.offered import not_offered
from odp_dlt.pipeline.package import own_folder
from odp_dlt.pipeline.recall import recall, stored_schema
from odp_dlt.pipeline.state import State, fresh_state
from odp_dlt.pipeline.trace import LastTrace, PipelineTrace
from odp_dlt.schema.model import Schema

_ABSENT = frozenset(
    {
        "destination_client", "encryption_seed", "extract", "fail_pending_job",
        "get_load_package_info", "get_load_package_state", "get_local_state_val", "has_data",
        "list_pending_retry_jobs_in_package", "load", "managed_state", "normalize",
        "retry_failed_job", "runtime_config", "set_local_state_val", "staging", "sync_schema",
    }
)  # fmt: skip


class Remembered:
    """What can be asked of a pipeline between its runs; each answer is read from the dataset.

    dlt keeps state, schemas and packages in a local folder. Here the first two are in the dataset
    alone, and a package lives no longer than its run: nothing is ever pending.
    """

    name: str
    destination: Destination
    dataset_name: str
    work_dir: Path | None
    trace: LastTrace

    @property
    def pipeline_name(self) -> str:
        """dlt's word for `name`."""
        return self.name

    @property
    def last_trace(self) -> PipelineTrace | None:
        """What this object's last run did, step by step, also one that raised; None before any."""
        return self.trace.trace

    @property
    def state(self) -> State:
        """A copy of the state as the last load left it; of a pipeline that never ran, a fresh one.

        To change it, use `dlt.current.source_state()` in a resource: it is committed with the rows.
        """
        found = self._state()
        if found is not None:
            return found
        fresh = fresh_state(self.name, self.dataset_name, "", self.destination.name)
        return {**fresh, "schema_names": [], "default_schema_name": None}

    @property
    def first_run(self) -> bool:
        """Whether the dataset knows nothing of this pipeline."""
        return self._state() is None

    @property
    def default_schema_name(self) -> str | None:
        """The schema of the first source that was loaded; None before that."""
        found = self.state["default_schema_name"]
        return None if found is None else str(found)

    @property
    def schema_names(self) -> list[str]:
        """The schemas of all sources that were loaded."""
        return list(self.state["schema_names"])

    @property
    def default_schema(self) -> Schema:
        """The schema of the first source that was loaded. ConfigError before that."""
        return self.dataset().schema

    @property
    def schemas(self) -> dict[str, Schema]:
        """The schemas of all sources that were loaded, by name."""
        with self.destination.open(self.dataset_name, write=False) as session:
            found = {name: stored_schema(session, name) for name in self.schema_names}
        return {name: schema for name, schema in found.items() if schema is not None}

    @property
    def working_dir(self) -> str:
        """The folder in which runs keep what they have extracted, as long as they run."""
        return str(own_folder() if self.work_dir is None else self.work_dir)

    @property
    def pipelines_dir(self) -> str:
        """dlt's word for `working_dir`: here all pipelines may share it."""
        return self.working_dir

    def dataset(self, schema: Schema | str | None = None) -> Dataset:
        """The tables that were loaded; of the default schema, unless another is said."""
        name = schema.name if isinstance(schema, Schema) else schema
        return Dataset(self.destination, self.dataset_name, name or self.default_schema_name)

    def sql_client(self) -> SqlClient:
        """SQL on the dataset."""
        return SqlClient(self.destination, self.dataset_name)

    def activate(self) -> None:
        """Make this the pipeline that `dlt.current.pipeline()` gives."""
        current.activate(self)

    def deactivate(self) -> None:
        """Let `dlt.current.pipeline()` give none."""
        current.activate(None)

    def drop(self) -> Self:
        """A new object for the same pipeline, without a trace; the dataset stays as it is.

        dlt deletes the local folder of a pipeline, which there is none of here. To load anew, say
        `run(…, refresh="drop_sources")`.
        """
        return dataclasses.replace(self)  # type: ignore[type-var]

    def sync_destination(self) -> None:
        """Does nothing: every run begins with what the dataset remembers."""

    @property
    def has_pending_data(self) -> bool:
        """False: a run that fails leaves no package behind."""
        return False

    def drop_pending_packages(self, with_partial_loads: bool = True) -> None:
        """Does nothing: there are none."""

    def abort_packages(self, load_id: str | None = None, dry_run: bool = False) -> None:
        """Does nothing: there are none. ConfigError if one is named."""
        if load_id is not None:
            raise ConfigError(
                f"there is no package '{load_id}' to abort",
                hint="A run that fails leaves none behind.",
            )

    def list_extracted_load_packages(self) -> list[str]:
        """Empty: a package lives no longer than its run."""
        return []

    def list_normalized_load_packages(self) -> list[str]:
        """Empty: a package lives no longer than its run."""
        return []

    def list_extracted_resources(self) -> list[str]:
        """Empty: what was extracted waits for nothing but its own run."""
        return []

    def list_completed_load_packages(self) -> list[str]:
        """The ids of all complete loads in the dataset, by whatever pipeline, the oldest first."""
        return self.dataset().load_ids()

    def list_failed_jobs_in_package(self, load_id: str) -> list[Any]:
        """Empty: a load commits as a whole, or the run raises."""
        return []

    def __getattr__(self, name: str) -> Any:
        """AttributeError, which says so for what dlt has and this has not."""
        if name in _ABSENT:
            raise not_offered(f"Pipeline.{name}")
        raise AttributeError(f"a pipeline has no attribute '{name}'")

    def _state(self) -> State | None:
        with self.destination.open(self.dataset_name, write=False) as session:
            return recall(session, self.name, "").state
