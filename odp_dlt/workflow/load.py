"""The files of a configuration folder become one validated Workflow, or one error with all faults.

Positions name files relative to the project's root, and absolute only when they lie outside of it.
"""

import textwrap
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.workflow.entries import must_be, read_entry
from odp_dlt.workflow.models import (
    Asset,
    Entry,
    Executor,
    Job,
    Origin,
    Partition,
    Position,
    ResourceConfig,
    SodaCheck,
    Workflow,
)
from odp_dlt.workflow.positions import Document, KeyPath, read
from odp_dlt.workflow.rules import (
    names_that_dagster_refuses,
    partition_assets,
    partitions_of,
    repeated,
    repeated_triggers,
)

E = TypeVar("E", bound=Entry)

CONFIG_KEYS = ("resources", "executor")
WORKFLOW_KEYS = ("assets", "partitions", "jobs", "soda_checks")
_SUFFIXES = (".yaml", ".yml", ".json")


class _Settings(Entry):
    """What `dagster_config` says beside its lists."""

    executor: Executor | None = None


@dataclass(frozen=True)
class _Section(Generic[E]):
    """The entries of one kind from all files. `names` are also those of faulty entries."""

    entries: tuple[E, ...]
    names: frozenset[str]
    problems: tuple[ConfigError, ...]


@dataclass(frozen=True)
class _Files:
    """The files that could be read, and what is wrong with these and the others."""

    documents: tuple[Document, ...]
    problems: tuple[ConfigError, ...]
    complete: bool


def load_workflow(config_dir: Path) -> Workflow:
    """Everything below `config_dir`: `dagster_config.*` and all files in `workflows/`, merged.

    Raises one ConfigError with every problem of every file. What needs Dagster, a task type or a
    schema file is not judged here.
    """
    if not config_dir.is_dir():
        raise ConfigError(
            f"there is no configuration folder '{config_dir}'",
            hint="`odp init DIR` makes a project that has one.",
        )
    config_dir = config_dir.resolve()
    root = config_dir.parent
    config = _read_files(_config_files(config_dir), root, CONFIG_KEYS)
    files = _read_files(_workflow_files(config_dir), root, WORKFLOW_KEYS)
    return _workflow(root, config_dir, config, files)


def inline_workflow(root: Path, config: Document, workflow: Document) -> Workflow:
    """The same from what stands in another file; relative paths count from `root`."""
    return _workflow(root, root, _checked(config, CONFIG_KEYS), _checked(workflow, WORKFLOW_KEYS))


def _workflow(root: Path, config_dir: Path, config: _Files, files: _Files) -> Workflow:
    executor, faults = _executor(config)
    resources = _section(config, "resources", "resource_kind", ResourceConfig)
    assets = _section(files, "assets", "asset_key", Asset)
    partitions = _section(files, "partitions", "", Partition)
    jobs = _section(files, "jobs", "job_id", Job)
    soda = _section(files, "soda_checks", "", SodaCheck)
    problems = [
        *config.problems,
        *faults,
        *files.problems,
        *(p for found in (resources, assets, partitions, jobs, soda) for p in found.problems),
        *_judged(resources.entries, assets.entries, partitions.entries, jobs.entries),
        *partition_assets(
            partitions.entries, assets.entries, assets.names if files.complete else None
        ),
    ]
    if problems:
        raise together(problems)
    return Workflow(
        root,
        config_dir,
        resources.entries,
        assets.entries,
        partitions.entries,
        jobs.entries,
        soda.entries,
        executor,
    )


def _judged(
    resources: Sequence[ResourceConfig],
    assets: Sequence[Asset],
    partitions: Sequence[Partition],
    jobs: Sequence[Job],
) -> Iterator[ConfigError]:
    """What is wrong between the entries, and in the partitions of each."""
    yield from repeated(resources, "key")
    yield from repeated(assets, "asset_key")
    yield from repeated(jobs, "job_id")
    yield from repeated_triggers(jobs)
    yield from names_that_dagster_refuses(assets, jobs, resources)
    for partition in partitions:
        yield from partitions_of(partition, ("params",), partition.params)
    for asset in assets:
        if asset.partition is not None:
            yield from partitions_of(asset, ("partition",), asset.partition)


def _executor(config: _Files) -> tuple[Executor | None, list[ConfigError]]:
    for document in config.documents:
        if (written := document.value.get("executor")) is not None:
            value = {"executor": written}
            found, faults = read_entry(_Settings, "dagster_config", value, document.origin)
            return (found.executor if found else None), faults
    return None, []


def together(problems: Sequence[ConfigError]) -> ConfigError:
    """One error that says all of `problems` (at least one), in the order given."""
    if len(problems) == 1:
        return problems[0]
    lines = [textwrap.indent(str(problem), "  ") for problem in problems]
    return ConfigError("\n".join([f"{len(problems)} problems in the workflow files", *lines]))


def _config_files(config_dir: Path) -> list[Path]:
    found = [f for s in _SUFFIXES if (f := config_dir / f"dagster_config{s}").is_file()]
    if len(found) > 1:
        names = ", ".join(f.name for f in found)
        raise ConfigError(
            f"there are {len(found)} files of resources: {names}",
            at=config_dir.name,
            hint="Keep one of them.",
        )
    return found


def _workflow_files(config_dir: Path) -> list[Path]:
    folder = config_dir / "workflows"
    found = [
        file
        for file in sorted(folder.rglob("*"))
        if file.suffix in _SUFFIXES
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    ]
    if not found:
        lack = "has no workflow file" if folder.is_dir() else "has no folder 'workflows'"
        raise ConfigError(
            f"the configuration folder '{config_dir.name}' {lack}",
            at=config_dir,
            hint=f"Make {config_dir.name}/workflows/NAME.yaml with `assets:`.",
        )
    return found


def _read_files(files: Iterable[Path], root: Path, keys: Collection[str]) -> _Files:
    documents: list[Document] = []
    problems: list[ConfigError] = []
    complete = True
    for file in files:
        try:
            document = read(file, file.relative_to(root))
            must_be(document.value, dict, "the file", document.origin.at())
        except ConfigError as e:
            problems.append(e)
            complete = False
            continue
        found = _checked(document, keys)
        documents += found.documents
        problems += found.problems
    return _Files(tuple(documents), tuple(problems), complete)


def _checked(document: Document, keys: Collection[str]) -> _Files:
    unknown = [
        ConfigError(f"unknown key '{key}'", at=document.origin.at(key), hint=nearest(key, keys))
        for key in map(str, document.value)
        if key not in keys
    ]
    return _Files((document,), (*document.problems, *unknown), True)


def _section(files: _Files, name: str, key: str, kind: type[E]) -> _Section[E]:
    """The entries under `name` in all files; `key` is the field that identifies one."""
    entries: list[E] = []
    names: set[str] = set()
    problems: list[ConfigError] = []
    for document in files.documents:
        written = document.value.get(name)
        if written is None:
            continue
        try:
            must_be(written, list, f"'{name}'", document.origin.at(name))
        except ConfigError as e:
            problems.append(e)
            continue
        origins = _origins(document.origin, name)
        for index, value in enumerate(written):
            if isinstance(value, dict) and isinstance(value.get(key), str):
                names.add(value[key])
            origin = origins.get(index, document.origin)
            entry, faults = read_entry(kind, name, value, origin)
            entries += [] if entry is None else [entry]
            problems += faults
    return _Section(tuple(entries), frozenset(names), tuple(problems))


def _origins(origin: Origin, section: str) -> dict[int, Origin]:
    """The origin of each entry of `section`; made in one pass, files can be long."""
    places: dict[int, dict[KeyPath, Position]] = defaultdict(dict)
    for path, position in origin.positions.items():
        if len(path) > 1 and path[0] == section and isinstance(path[1], int):
            places[path[1]][path[2:]] = position
    return {index: Origin(found) for index, found in places.items()}
