"""What an asset can do: the task types. None of them knows Dagster.

To add one, copy the nearest file of this folder: its name is the `task_type` in YAML, its fields
are the YAML's `params`.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from odp_dlt.destinations.base import TableView
from odp_dlt.errors import ConfigError
from odp_dlt.extract.window import Window
from odp_dlt.pipeline.meter import Meter
from odp_dlt.registry import Registry
from odp_dlt.resources.base import Resource
from odp_dlt.schema.model import Schema
from odp_dlt.workflow.template import render_text

R = TypeVar("R")

Scalar = str | int | float | bool | datetime | None


class Markdown(str):
    """Text for a person, which Dagster shows as Markdown."""

    __slots__ = ()


@dataclass(frozen=True)
class ColumnInfo:
    """A column as a person reads it. `type` is the destination's name for it, or dlt's.

    `comes_from` names what it is made of: the key of an asset, and the column or path there.
    """

    name: str
    type: str
    nullable: bool = True
    description: str | None = None
    hints: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    comes_from: tuple[tuple[str, str], ...] = ()


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

    `dagster/row_count` is the size of the whole table now; `columns` are the real ones. One that
    does not exist is told for the sake of its checks: what was rejected, say. `undeclared` is a
    table that no asset was planned for, and how to tell of it.
    """

    asset_key: str
    metadata: Mapping[str, Scalar] = field(default_factory=dict)
    columns: tuple[ColumnInfo, ...] | None = None
    exists: bool = True
    undeclared: Literal["materialize", "observe"] | None = None


@dataclass(frozen=True)
class Site:
    """Where a project stands: what can be known without running.

    `root` is the folder that holds the configuration; relative paths count from it. `resources` are
    by kind and by name. With `discovered` (asset key → schema) a schema file that is missing is no
    error: what was discovered of the data counts, and where that lacks too a root table is all.
    `known` is what `once` has made of files, for all assets of the project together.
    """

    root: Path
    resources: Mapping[str, Resource]
    discovered: Mapping[str, Schema] | None = None
    known: dict[tuple[str, Path], tuple[object, Any]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def once(self, what: str, file: Path, read: Callable[[], R]) -> R:
        """What `read` makes of `file`, which is read again only after it has changed.

        `what` tells apart the things that are made of one file. What `read` raises is not kept.
        """
        try:
            found = file.stat()
        except OSError:
            return read()  # it says best what is wrong with the file
        seen = (found.st_ino, found.st_mtime_ns, found.st_size)
        before, kept = self.known.get((what, file), (None, None))
        if before == seen:
            same: R = kept
            return same
        made = read()
        self.known[what, file] = (seen, made)
        return made

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
class LaunchParam:
    """A param that whoever launches one run can give, for that run over what the YAML says.

    `path` is where it stands in the params, `type` what it must be (`object`: anything). With
    `choices` it is one of their names, and stands for that one's value.
    """

    path: tuple[str, ...]
    type: type
    description: str
    name: str | None = None
    choices: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """One run of one asset, for its task, which counts in `meter` and `keys` what it does.

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
    meter: Meter = field(default_factory=Meter)
    keys: dict[str, str] = field(default_factory=dict)  # table → asset key, as far as known by then
    partition: str | None = None  # what is done is this partition's, or FIRST...LAST together
    window: Window | None = None  # the partition's time, if it has one
    follows: bool = False  # whether the same run has done other partitions before


class Task(BaseModel, ABC):
    """One `task_type`, with the params of one asset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    needs: ClassVar[frozenset[str]] = frozenset()
    """The kinds of resources that the task cannot do without."""

    uses: ClassVar[frozenset[str]] = frozenset()
    """The kinds of resources that it uses if the project has them."""

    loads: ClassVar[bool] = False
    """Whether it loads with the engine, and tells what checks of loads need."""

    by_partition: ClassVar[bool] = False
    """Whether a run for several partitions does them one after another, whatever params say."""

    def assets(self, asset_key: str, site: Site) -> list[Planned]:
        """The assets one run makes, parents first; known without running. Most tasks make one."""
        return [Planned(asset_key)]

    def launch_params(self, site: Site) -> list[LaunchParam]:
        """What one run can be launched with; known without running. Most tasks offer nothing."""
        return []

    def texts(self, site: Site) -> Mapping[Path, str]:
        """Files of which the run renders the text, so that their templates are checked before."""
        return {}

    @abstractmethod
    def run(self, context: Context) -> Iterator[Done]:
        """Do the work; one Done for each asset made. An asset that got nothing has none.

        What it raises after the last Done fails the run, in which these were made all the same.
        """

    def look(
        self, context: Context, reported: Mapping[str, Mapping[str, Any]]
    ) -> AbstractContextManager[Mapping[str, TableView]]:
        """The tables of the task's assets by their keys, to be read; what a check needs.

        `reported` is the metadata that each asset last had. ConfigError for a task without tables.
        """
        raise ConfigError("the task makes no table that a check can look at")

    @classmethod
    def has_tables(cls) -> bool:
        """Whether checks can look at what it makes."""
        return cls.look is not Task.look


tasks: Registry[Task] = Registry("task type", "odp_dlt.tasks", Task)  # type: ignore[type-abstract]
