"""The files of a configuration folder become one validated Workflow, or one error with all faults.

Positions name files relative to the project's root, and absolute only when they lie outside of it.
"""

import re
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.workflow.models import (
    Asset,
    Entry,
    Job,
    Origin,
    Partition,
    PartitionParams,
    Position,
    ResourceConfig,
    Workflow,
)
from odp_dlt.workflow.positions import Document, KeyPath, read

E = TypeVar("E", bound=Entry)

_SUFFIXES = (".yaml", ".yml", ".json")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]")
_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


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
    config = _read_files(_config_files(config_dir), root, {"resources"})
    files = _read_files(_workflow_files(config_dir), root, {"assets", "partitions", "jobs"})
    resources = _section(config, "resources", "resource_kind", ResourceConfig)
    assets = _section(files, "assets", "asset_key", Asset)
    partitions = _section(files, "partitions", "", Partition)
    jobs = _section(files, "jobs", "job_id", Job)
    problems = [
        *config.problems,
        *files.problems,
        *(p for found in (resources, assets, partitions, jobs) for p in found.problems),
        *_repeated(resources.entries, "resource_kind"),
        *_repeated(assets.entries, "asset_key"),
        *_repeated(jobs.entries, "job_id"),
        *_names_that_dagster_refuses(assets.entries, jobs.entries),
        *(_partition_assets(partitions.entries, assets.names if files.complete else None)),
        *(p for partition in partitions.entries for p in _schedule(partition.params)),
    ]
    if problems:
        raise together(problems)
    return Workflow(
        root, config_dir, resources.entries, assets.entries, partitions.entries, jobs.entries
    )


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


def _read_files(files: Iterable[Path], root: Path, keys: set[str]) -> _Files:
    documents: list[Document] = []
    problems: list[ConfigError] = []
    complete = True
    for file in files:
        try:
            document = read(file, file.relative_to(root))
            _must_be(document.value, dict, "the file", document.origin.at())
        except ConfigError as e:
            problems.append(e)
            complete = False
            continue
        documents.append(document)
        problems += document.problems
        problems += [
            ConfigError(f"unknown key '{key}'", at=document.origin.at(key), hint=nearest(key, keys))
            for key in map(str, document.value)
            if key not in keys
        ]
    return _Files(tuple(documents), tuple(problems), complete)


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
            _must_be(written, list, f"'{name}'", document.origin.at(name))
        except ConfigError as e:
            problems.append(e)
            continue
        origins = _origins(document.origin, name)
        for index, value in enumerate(written):
            if isinstance(value, dict) and isinstance(value.get(key), str):
                names.add(value[key])
            origin = origins.get(index, document.origin)
            entry, faults = _entry(kind, name, value, origin)
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


def _entry(
    kind: type[E], section: str, value: Any, origin: Origin
) -> tuple[E | None, list[ConfigError]]:
    try:
        _must_be(value, dict, f"an entry of '{section}'", origin.at())
        return kind.model_validate(_with_origin(kind, value, origin), strict=True), []
    except ValidationError as e:
        return None, [_problem(kind, error, origin) for error in e.errors(include_url=False)]
    except ConfigError as e:
        return None, [e]


def _with_origin(kind: type[Entry], value: Mapping[str, Any], origin: Origin) -> dict[str, Any]:
    if "origin" in value:  # a field of the model, but not one to write
        raise ConfigError(
            "unknown key 'origin'", at=origin.at("origin"), hint=nearest("origin", _keys(kind, ()))
        )
    inner = value.get("params")
    if kind is not Partition or not isinstance(inner, dict):
        return {**value, "origin": origin}
    places = {path[1:]: at for path, at in origin.positions.items() if path[:1] == ("params",)}
    own = Origin(places or origin.positions)
    return {**value, "origin": origin, "params": _with_origin(PartitionParams, inner, own)}


def _keys(kind: type[Entry], path: KeyPath) -> list[str]:
    """The keys that can be written at `path` of an entry."""
    model = PartitionParams if kind is Partition and path else kind
    return [name for name in model.model_fields if name != "origin"]


def _problem(kind: type[Entry], error: ErrorDetails, origin: Origin) -> ConfigError:
    """What pydantic found, said in the words of the file."""
    path = error["loc"]
    if path[-1] == "[key]":
        message = f"the key {path[-2]} of '{path[0]}' must be text"
        return ConfigError(message, at=origin.at(*path[:-1]), hint="Put it in quotes.")
    at = origin.at(*path)
    name = ".".join(map(str, path))
    match error["type"]:
        case "extra_forbidden":
            hint = nearest(str(path[-1]), _keys(kind, path[:-1]))
            return ConfigError(f"unknown key '{path[-1]}'", at=at, hint=hint)
        case "missing":
            return ConfigError(f"the key '{name}' is missing", at=at)
        case "literal_error":
            choices = re.findall(r"'(\w+)'", error["ctx"]["expected"])
            hint = nearest(str(error["input"]).upper(), choices)
            return ConfigError(f"'{name}' cannot be '{error['input']}'", at=at, hint=hint)
    expected = _EXPECTED.get(error["type"])
    if expected is None:
        return ConfigError(f"'{name}' is not valid: {error['msg']}", at=at)
    return _wrong_type(f"'{name}'", expected, error["input"], at)


def _must_be(value: Any, expected: type, name: str, at: Position) -> None:
    if not isinstance(value, expected):
        word = "a list" if expected is list else "a mapping"
        raise _wrong_type(name, word, value, at)


def _wrong_type(name: str, expected: str, value: Any, at: Position) -> ConfigError:
    """The type of `value` is told, not `value`: it can be a secret that stands in a wrong place."""
    found = {type(None): "empty", str: "text", list: "a list", dict: "a mapping"}
    hint = None
    if expected == "text" and isinstance(value, bool | int | float):
        hint = "Put it in quotes."
    is_now = found.get(type(value), "true or false" if isinstance(value, bool) else "a number")
    return ConfigError(f"{name} must be {expected}, but is {is_now}", at=at, hint=hint)


def _repeated(entries: Sequence[Entry], field: str) -> Iterator[ConfigError]:
    first: dict[str, Position] = {}
    for entry in entries:
        name = getattr(entry, field)
        at = entry.origin.at(field)
        if name in first:
            message = f"{field} '{name}' is used twice; the first is at {first[name]}"
            yield ConfigError(message, at=at)
        first.setdefault(name, at)


def _names_that_dagster_refuses(
    assets: Sequence[Asset], jobs: Sequence[Job]
) -> Iterator[ConfigError]:
    for asset in assets:
        for part in asset.asset_key.split("/"):
            yield from _name(asset, "asset_key", asset.asset_key, part)
        if asset.group_name is not None:
            yield from _name(asset, "group_name", asset.group_name, asset.group_name)
    for job in jobs:
        yield from _name(job, "job_id", job.job_id, job.job_id)


def _name(entry: Entry, field: str, whole: str, part: str) -> Iterator[ConfigError]:
    """A problem if `part` of a name holds what Dagster's names of ops, groups and jobs cannot."""
    wrong = _NOT_IN_A_NAME.search(part)
    if part and not wrong:
        return
    said = f"its part '{part}' holds '{wrong[0]}'" if wrong else "it has an empty part"
    if whole == part:
        said = f"it holds '{wrong[0]}'" if wrong else "it is empty"
    between = " between slashes" if field == "asset_key" else ""
    yield ConfigError(
        f"{field} '{whole}' cannot be a name in Dagster: {said}",
        at=entry.origin.at(field),
        hint=f"Use only letters, digits and '_'{between}.",
    )


def _partition_assets(
    partitions: Sequence[Partition], declared: frozenset[str] | None
) -> Iterator[ConfigError]:
    """`declared` is None when some file could not be read: then no asset is known to be missing."""
    first: dict[str, Position] = {}
    for partition in partitions:
        for index, key in enumerate(partition.assets):
            at = partition.origin.at("assets", index)
            if declared is not None and key not in declared:
                message = f"the partition is for asset '{key}', which no workflow file declares"
                yield ConfigError(message, at=at, hint=nearest(key, declared))
            elif key in first:
                message = f"asset '{key}' has two partitions; the first is at {first[key]}"
                yield ConfigError(message, at=at)
            first.setdefault(key, at)


def _schedule(params: PartitionParams) -> Iterator[ConfigError]:
    at = params.origin.at
    if params.schedule_type is None and params.cron_schedule is None:
        yield ConfigError("a partition needs `schedule_type` or `cron_schedule`", at=at())
    if params.cron_schedule is None:
        return
    for name in ("schedule_type", "minute_offset", "hour_offset", "day_offset"):
        if getattr(params, name) is not None:
            message = f"a partition has either `cron_schedule` or `{name}`, not both"
            yield ConfigError(message, at=at(name))
