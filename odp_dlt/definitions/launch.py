"""What one run can be launched with: Dagster's config of an op ↔ the params of a task."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from odp_dlt.tasks.base import LaunchParam


def config_schema(op: str, params: Sequence[LaunchParam]) -> dict[str, dg.Field] | None:
    """The config that the launchpad offers for an op; None if it takes none. Nothing is required:
    what is not given stays as the YAML says.
    """
    if not params:
        return None
    groups: dict[str, dict[str, dg.Field]] = {}
    fields: dict[str, dg.Field] = {}
    for param in params:
        if param.name is not None:
            fields[param.name] = _field(op, param)
        else:
            groups.setdefault(param.path[0], {})[param.path[1]] = _field(op, param)
    for name, inner in groups.items():
        fields[name] = dg.Field(inner, is_required=False)
    return fields


def launched(
    params: Mapping[str, Any], config: Mapping[str, Any] | None, offered: Iterable[LaunchParam]
) -> dict[str, Any]:
    """`params` as the run was launched: what `config` says, over what the YAML does."""
    filled = copy.deepcopy(dict(params))
    for param in offered:
        group = config or {}
        if param.name is None:
            group, name = group.get(param.path[0], {}), param.path[1]
        else:
            name = param.name
        if name in group:
            inner = filled.setdefault(param.path[0], {})
            inner[param.path[1]] = param.choices.get(group[name], group[name])
    return filled


def _field(op: str, param: LaunchParam) -> dg.Field:
    name = param.name or param.path[-1]
    kind: Any = dg.Any if param.type is object else param.type
    if param.choices:
        values = [dg.EnumValue(choice) for choice in param.choices]
        kind = dg.Enum(f"{op}__{name}", values)
    return dg.Field(kind, is_required=False, description=param.description)
