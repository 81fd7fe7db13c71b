"""What a person writes in the workflow files, as frozen models, and where each part was written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


@dataclass(frozen=True)
class Position:
    """A place in a file; `line` and `column` count from 1."""

    file: Path
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Origin:
    """Where one entry of a file was written: a position for each path inside it."""

    positions: Mapping[tuple[str | int, ...], Position] = field(default_factory=dict)

    def at(self, *path: str | int) -> Position:
        """The position of `path`, or of the nearest part around it that has one."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.positions:
                return self.positions[path[:end]]
        raise KeyError(path)


class Entry(BaseModel):
    """The base of all that is written: frozen, unknown keys refused, its origin beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    origin: Origin = Field(default_factory=Origin, exclude=True, repr=False)


class Asset(Entry):
    """One workflow asset. Strings in `params` may hold templates."""

    asset_key: str
    task_type: str
    params: dict[str, Any] = Field(default_factory=dict)
    description: str | None = None
    group_name: str | None = None
    depends_on: list[str] = Field(default_factory=list)


class PartitionParams(Entry):
    """A time-window partition definition; either `schedule_type` or `cron_schedule`."""

    start: str
    end: str | None = None
    schedule_type: Literal["HOURLY", "DAILY", "WEEKLY", "MONTHLY"] | None = None
    cron_schedule: str | None = None
    timezone: str | None = None
    fmt: str | None = None
    minute_offset: int | None = None
    hour_offset: int | None = None
    day_offset: int | None = None
    end_offset: int | None = None


class Partition(Entry):
    """The partitions that some assets share."""

    assets: list[str]
    params: PartitionParams


class Job(Entry):
    """A named selection of assets, in Dagster's selection syntax."""

    job_id: str
    asset_selection: list[str]
    description: str | None = None


class ResourceConfig(Entry):
    """One shared connection."""

    resource_kind: str
    params: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Workflow:
    """All workflow files of a project, merged, and its configured resources.

    `root` is the folder that holds the configuration folder; relative paths count from it.
    """

    root: Path
    config_dir: Path
    resources: tuple[ResourceConfig, ...] = ()
    assets: tuple[Asset, ...] = ()
    partitions: tuple[Partition, ...] = ()
    jobs: tuple[Job, ...] = ()
