"""What an asset can do: the task types. None of them knows Dagster.

To add one, copy the nearest file of this folder: its name is the `task_type` in YAML, its fields
are the YAML's `params`.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from odp_dlt.errors import ConfigError
from odp_dlt.registry import Registry
from odp_dlt.resources.base import Resource
from odp_dlt.workflow.template import render_text

Scalar = str | int | float | bool | datetime | None


@dataclass(frozen=True)
class ColumnInfo:
    """A column as a person reads it. `type` is the destination's name for it, or dlt's."""

    name: str
    type: str
    nullable: bool = True
    description: str | None = None
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Planned:
    """One asset that a task makes, as known without running it.

    `parent` is the key of the asset that this one's rows hang on (the parent table's), or None;
    `external` the key of the source outside, for a root. `deps` are further keys that it depends
    on, `reads` tables by their `table_name`, each with the key to depend on if no asset of the
    project makes it. `group` counts where the YAML says none. `file` and `line` say where its code
    is.
    """

    key: str
    parent: str | None = None
    external: str | None = None
    deps: tuple[str, ...] = ()
    reads: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    columns: tuple[ColumnInfo, ...] | None = None
    table_name: str | None = None
    kinds: frozenset[str] = frozenset()
    group: str | None = None
    file: Path | None = None
    line: int = 1


@dataclass(frozen=True)
class Done:
    """One asset that a run has made, yielded as soon as it is so. Keys of `metadata` are Dagster's.

    `row_count` is the size of the whole table now; `columns` are the real ones.
    """

    asset_key: str
    metadata: Mapping[str, Scalar] = field(default_factory=dict)
    columns: tuple[ColumnInfo, ...] | None = None


@dataclass(frozen=True)
class Site:
    """Where a project stands: what can be known without running.

    `root` is the folder that holds the configuration; relative paths count from it. `resources` are
    by kind.
    """

    root: Path
    resources: Mapping[str, Resource]

    def resource(self, kind: str) -> Resource:
        """The configured resource of `kind`; ConfigError if the project has none."""
        if kind not in self.resources:
            raise ConfigError(
                f"no resource of kind '{kind}' is configured",
                hint=f"Add {{resource_kind: {kind}, params: …}} to dagster_config.yaml.",
            )
        return self.resources[kind]


def _from_nothing(text: str, file: Path) -> str:
    return render_text(text, {}, file)


@dataclass(frozen=True)
class Context:
    """One run of one asset, for its task.

    `render` fills in the templates of a file's text as those of the params are. `selected` are the
    keys of the assets that the run is for, None for all that the task makes.
    """

    asset_key: str
    run_id: str
    site: Site
    log: logging.Logger
    progress: Callable[[str], None]  # one short line of what goes on now; called often, kept cheap
    render: Callable[[str, Path], str] = _from_nothing
    selected: frozenset[str] | None = None


class Task(BaseModel, ABC):
    """One `task_type`, with the params of one asset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    needs: ClassVar[frozenset[str]] = frozenset()
    """The kinds of resources that the task cannot do without."""

    uses: ClassVar[frozenset[str]] = frozenset()
    """The kinds of resources that it uses if the project has them."""

    def assets(self, asset_key: str, site: Site) -> list[Planned]:
        """The assets one run makes, parents first; known without running. Most tasks make one."""
        return [Planned(asset_key)]

    def texts(self, site: Site) -> Mapping[Path, str]:
        """Files of which the run renders the text, so that their templates are checked before."""
        return {}

    @abstractmethod
    def run(self, context: Context) -> Iterator[Done]:
        """Do the work; one Done for each asset made. An asset that got nothing has none."""


tasks: Registry[Task] = Registry("task type", "odp_dlt.tasks", Task)  # type: ignore[type-abstract]
