"""What a person writes in the workflow files, as frozen models, and where each part was written."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from odp_dlt.workflow.asset import Asset
from odp_dlt.workflow.automation import Executor, Job, SodaCheck
from odp_dlt.workflow.entry import Entry, Origin, Part, Position
from odp_dlt.workflow.partitions import DimensionParams, Partition, PartitionParams

__all__ = [
    "Asset",
    "DimensionParams",
    "Entry",
    "Executor",
    "Job",
    "Origin",
    "Part",
    "Partition",
    "PartitionParams",
    "Position",
    "ResourceConfig",
    "SodaCheck",
    "Workflow",
]


class ResourceConfig(Entry):
    """One shared connection. `name` tells several of one kind apart; it is the kind if not said."""

    resource_kind: str
    name: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)

    @property
    def key(self) -> str:
        """What assets, templates and Dagster call it."""
        return self.name or self.resource_kind


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
    soda_checks: tuple[SodaCheck, ...] = ()
    executor: Executor | None = None
