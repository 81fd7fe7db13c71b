"""What a sensor is: it is asked every so often, and says which runs to start. None knows Dagster.

To add one, copy the nearest file of this folder: its name is the `sensor_kind` in YAML, its fields
are the YAML's `sensor_params`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from odp_dlt.registry import Registry
from odp_dlt.resources.base import Resource
from odp_dlt.resources.dlt import DltProject
from odp_dlt.settings import Settings

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Start:
    """One run to start.

    Dagster starts at most one run of a sensor with the same `key`; None is always started.
    `values` are what templates call `{{sensor.NAME}}`. `partition` is the partition to load; None
    leaves it to the job, whose latest complete window it is then.
    """

    key: str | None
    values: Mapping[str, Value] = field(default_factory=dict)
    partition: str | None = None


@dataclass(frozen=True)
class Poll:
    """What one look has found.

    `cursor` is given to the next look; it counts only once the runs are asked for. `skipped` says
    to a person why there is nothing to start.
    """

    starts: Sequence[Start] = ()
    cursor: str | None = None
    skipped: str | None = None


@dataclass(frozen=True)
class Materialized:
    """An asset was materialized; `number` grows with each event of the instance."""

    number: int
    asset_key: str
    partition: str | None
    run_id: str


@dataclass(frozen=True)
class RunEnd:
    """A run came to a status; `number` grows with each event of the instance."""

    number: int
    run_id: str
    job: str
    status: str
    partition: str | None


class Events(Protocol):
    """What the orchestrator has recorded, oldest first, at most `limit` after event `after`."""

    def materializations(self, asset_key: str, after: int, limit: int) -> Sequence[Materialized]:
        """The materializations of an asset."""

    def run_ends(self, status: str, after: int, limit: int) -> Sequence[RunEnd]:
        """The runs of this project that came to a status: `success`, `failure` or `canceled`."""

    def last_materialization(self, asset_key: str) -> int:
        """The number of the newest one of an asset; 0 if there is none."""

    def last_run_end(self, status: str) -> int:
        """The number of the newest one that came to a status; 0 if there is none."""


class Site(Protocol):
    """Where the project stands; relative paths count from `root`, `resources` are by name."""

    @property
    def root(self) -> Path: ...

    @property
    def resources(self) -> Mapping[str, Resource]: ...


@dataclass(frozen=True)
class Project:
    """What is known before any look: the keys of all assets, the jobs, and the job to start."""

    site: Site
    assets: frozenset[str]
    jobs: frozenset[str]
    job: str


@dataclass(frozen=True)
class Watch:
    """What a sensor can look at beside its own params. `job` is the job that it starts."""

    site: Site
    events: Events
    job: str


class Sensor(BaseModel, ABC):
    """One `sensor_kind`, with the params of one trigger."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: ClassVar[frozenset[str]] = frozenset()

    def value_names(self) -> frozenset[str]:
        """The names of the values that each of its runs gets, as `{{sensor.NAME}}`."""
        return self.values

    def gives_partition(self) -> bool:
        """Whether the partition of each of its runs must be one of the job's.

        If not, it counts only where the job has one of that name.
        """
        return False

    def check(self, project: Project) -> None:
        """ConfigError, or ParamError, if the params are wrong in this project.

        Called when definitions are built: it opens nothing.
        """

    @abstractmethod
    def poll(self, cursor: str | None, watch: Watch) -> Poll:
        """Look once; `cursor` is that of the last look, None at the first one.

        It should take seconds: Dagster gives up after one minute. What it raises is shown as the
        tick's error, and the cursor stays.
        """


sensors: Registry[Sensor] = Registry("sensor kind", "odp_dlt.sensors", Sensor)  # type: ignore[type-abstract]


def settings_of(site: Site) -> Settings:
    """The settings of the project: those of the first resource `dlt`, else of the root."""
    projects = [one for one in site.resources.values() if isinstance(one, DltProject)]
    return Settings.from_folder(projects[0].project_dir if projects else site.root)
