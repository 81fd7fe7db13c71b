"""Workflow files written for dagster-odp 0.1.4 → what this package reads.

dagster-odp took no notice of keys that it did not know; here they are errors. So a file that it
took can hold keys that never had an effect: these become comments, and each is told.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel

from odp_dlt.errors import ConfigError
from odp_dlt.workflow.automation import (
    CronSchedule,
    PartitionSchedule,
    ScheduleTrigger,
    SensorParams,
    SensorTrigger,
)
from odp_dlt.workflow.load import CONFIG_KEYS, WORKFLOW_KEYS
from odp_dlt.workflow.models import (
    Asset,
    Job,
    Partition,
    PartitionParams,
    Position,
    ResourceConfig,
    SodaCheck,
)


def _names(*models: type[BaseModel]) -> set[str]:
    return {name for model in models for name in model.model_fields} - {"origin"}


_KEYS: Mapping[tuple[str, ...], set[str]] = {
    (): {*CONFIG_KEYS, *WORKFLOW_KEYS},
    ("resources",): _names(ResourceConfig),
    ("assets",): _names(Asset),
    ("partitions",): _names(Partition),
    ("partitions", "params"): _names(PartitionParams),
    ("jobs",): _names(Job),
    ("jobs", "triggers"): _names(ScheduleTrigger, SensorTrigger),
    ("jobs", "triggers", "params"): _names(CronSchedule, PartitionSchedule, SensorParams),
    ("soda_checks",): _names(SodaCheck),
}
"""What can be written at each path, list indexes left out."""


@dataclass(frozen=True)
class Change:
    """One thing that is, or must be, written otherwise; `by_hand` if a person has to decide."""

    at: Position
    said: str
    by_hand: bool = False


@dataclass(frozen=True)
class _Edit:
    """Text from `start` to `end` (indexes of characters) becomes `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class _File:
    name: Path
    text: str
    dlt_params: Collection[str]
    run_params: Collection[str]

    def at(self, node: yaml.Node) -> Position:
        return Position(self.name, node.start_mark.line + 1, node.start_mark.column + 1)


_Found = tuple[Change, _Edit | None]


def migrated(
    text: str, name: Path, *, dlt_params: Collection[str], run_params: Collection[str]
) -> tuple[str, list[Change]]:
    """`text` as this package reads it, and what was changed or is left to do.

    `dlt_params` and `run_params` are the names that the task type dlt has, and its `run_params`.
    The same text comes back when nothing has to change. ConfigError if it is no YAML.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as e:
        raise ConfigError(f"this is not valid YAML: {e}", at=name) from e
    found = list(_mapping(_File(name, text, dlt_params, run_params), root, ()))
    edits = sorted((edit for _, edit in found if edit), key=lambda edit: edit.start, reverse=True)
    for edit in edits:
        text = text[: edit.start] + edit.text + text[edit.end :]
    changes = [change for change, _ in found]
    return text, sorted(changes, key=lambda change: (change.at.line, change.at.column))


def _mapping(file: _File, node: yaml.Node | None, path: tuple[str, ...]) -> Iterator[_Found]:
    """Everything in the mapping `node`, which stands at `path` (list indexes left out)."""
    if not isinstance(node, yaml.MappingNode):
        return
    known = _KEYS.get(path)
    for key, value in node.value:
        inner = (*path, str(key.value))
        if known is not None and key.value not in known:
            said = f"'{key.value}' never had an effect in dagster-odp, and is an error here"
            yield _left_out(file, node, key, value, said)
        elif path == ("assets",) and _is_null(value):
            yield _left_out(file, node, key, value, f"'{key.value}' says nothing")
        elif special := _SPECIAL.get(inner):
            yield from special(file, node, value)
        elif isinstance(value, yaml.SequenceNode):
            for item in value.value:
                yield from _mapping(file, item, inner)
        else:
            yield from _mapping(file, value, inner)


def _asset_params(file: _File, asset: yaml.MappingNode, params: yaml.Node) -> Iterator[_Found]:
    """Of dlt assets: params that were ignored, and arguments of `run` that belong to the source."""
    if _text_of(asset, "task_type") != "dlt" or not isinstance(params, yaml.MappingNode):
        return
    for key, value in params.value:
        if key.value not in file.dlt_params:
            said = f"the param '{key.value}' never had an effect in dagster-odp"
            yield _left_out(file, params, key, value, said)
        if key.value == "run_params" and isinstance(value, yaml.MappingNode):
            for name, _ in value.value:
                if name.value not in file.run_params:
                    said = (
                        f"`run_params.{name.value}` belongs to the source: "
                        f"@dlt.resource({name.value}=…)"
                    )
                    yield Change(file.at(name), said, by_hand=True), None
        if key.value == "destination_params" and _text_of(params, "destination") == "duckdb":
            yield from _renamed(file, value, "credentials", "database")
        if key.value == "destination" and value.value == "bigquery":
            said = "the destination 'bigquery' is not there; load to files and copy them from there"
            yield Change(file.at(key), said, by_hand=True), None


def _trigger_params(file: _File, trigger: yaml.MappingNode, params: yaml.Node) -> Iterator[_Found]:
    """Of cron schedules all else was ignored; the prefix of `gcs_sensor` had two names."""
    for key, value in _items(params):
        inner = list(_items(value))
        if key.value == "schedule_params" and _text_of(params, "schedule_kind") == "cron":
            for name, what in inner:
                if name.value != "cron_schedule" and isinstance(value, yaml.MappingNode):
                    said = (
                        f"'{name.value}' never had an effect on a cron schedule; "
                        "here the trigger has `execution_timezone`"
                    )
                    yield _left_out(file, value, name, what, said)
        if key.value == "sensor_params":
            yield from _renamed(file, value, "path_prefix", "path_prefix_filter")


_SPECIAL: Mapping[
    tuple[str, ...], Callable[[_File, yaml.MappingNode, yaml.Node], Iterator[_Found]]
] = {
    ("assets", "params"): _asset_params,
    ("jobs", "triggers", "params"): _trigger_params,
}


def _renamed(file: _File, mapping: yaml.Node, old: str, new: str) -> Iterator[_Found]:
    for name, _ in _items(mapping):
        if name.value == old:
            edit = _Edit(name.start_mark.index, name.end_mark.index, new)
            yield Change(file.at(name), f"'{old}' is `{new}`"), edit


def _left_out(
    file: _File, around: yaml.MappingNode, key: yaml.Node, value: yaml.Node, said: str
) -> _Found:
    """The member of `around` becomes a comment; where it cannot, a person has to act."""
    change = Change(file.at(key), said)
    start = key.start_mark.index
    line = file.text.rfind("\n", 0, start) + 1
    if around.flow_style or file.text[line:start].strip():
        return Change(change.at, f"{said}: take it out", by_hand=True), None
    end = start + len(_own_text(file.text[start : value.end_mark.index]))
    lines = file.text[start:end].splitlines()
    indent = file.text[line:start]
    commented = [f"# {lines[0]}", *(f"{indent}# {more.removeprefix(indent)}" for more in lines[1:])]
    return change, _Edit(start, end, "\n".join(commented))


def _own_text(text: str) -> str:
    """`text` without the blank lines and comments that follow it, which a block's end includes."""
    lines = text.rstrip().split("\n")
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return "\n".join(lines)


def _items(node: yaml.Node) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from node.value


def _text_of(node: yaml.Node, name: str) -> str | None:
    found = (value.value for key, value in _items(node) if key.value == name)
    return next(found, None)


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
