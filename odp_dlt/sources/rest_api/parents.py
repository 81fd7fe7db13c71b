"""Which resource feeds which: what an endpoint takes from the rows of another."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.extract.incremental import Incremental
from odp_dlt.extract.jsonpath import find_values
from odp_dlt.extract.resource import Resource
from odp_dlt.registry import nearest
from odp_dlt.sources.paginators import SinglePagePaginator
from odp_dlt.sources.rest_api.expressions import expressions
from odp_dlt.sources.rest_api.models import ApiEndpoint, ResourceConfig

_SPECIAL = ("resolve", "incremental")


@dataclass(frozen=True)
class Fed:
    """A resource with what it takes from its parent: expression → path in the parent's rows."""

    config: ResourceConfig
    parent: str | None
    fields: Mapping[str, str]

    @property
    def endpoint(self) -> ApiEndpoint:
        return self.config.endpoint

    def values(self, row: Any) -> dict[str, Any]:
        """What stands in the parent's `row` for each expression. SourceError if it lacks one."""
        found = {}
        for expression, path in self.fields.items():
            values = find_values(path, row)
            if not values:
                raise _lacking(self.config.name, self.parent, path, row)
            found[expression] = values[0]
        return found

    def inherited(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of the parent's `row` that each row is to hold, by their names there."""
        for name in self.config.include_from_parent:
            if name not in row:
                raise _lacking(self.config.name, self.parent, name, row)
        return {f"_{self.parent}_{name}": row[name] for name in self.config.include_from_parent}


def in_order(configs: Sequence[ResourceConfig | Resource]) -> list[Fed | Resource]:
    """The resources, each after its parent. ConfigError for parents that are not there."""
    made = {c.name: c if isinstance(c, Resource) else fed(c) for c in configs}
    graph: dict[str, set[str]] = {}
    for name, each in made.items():
        parent = each.parent if isinstance(each, Fed) else None
        if parent is not None and parent not in made:
            raise ConfigError(
                f"resource '{name}' of the REST API takes from '{parent}', which there is not",
                hint=nearest(parent, made),
            )
        graph[name] = {parent} if isinstance(parent, str) else set()
    try:
        return [made[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as e:
        raise ConfigError(f"resources feed each other in a circle: {' → '.join(e.args[1])}") from e


def fed(config: ResourceConfig) -> Fed:
    """`config` with its parent, literal values of its path put in. ConfigError for two parents."""
    endpoint = _single(config.endpoint)
    resolved = {
        name: value
        for name, value in endpoint.params.items()
        if isinstance(value, Mapping) and value.get("type") == "resolve"
    }
    for name, value in endpoint.params.items():
        if isinstance(value, Mapping) and value.get("type") not in _SPECIAL:
            raise ConfigError(
                f"resource '{config.name}': the param '{name}' has no type of: {_SPECIAL}"
            )
    moves = endpoint.incremental or any(map(_moves, endpoint.params.values()))
    endpoint = _bound(config.name, endpoint, resolved)
    sources = {param: _resolved(config.name, param, value) for param, value in resolved.items()}
    asked = (endpoint.path, endpoint.params, endpoint.json_, endpoint.data, endpoint.headers)
    for expression in {name for part in asked for name in expressions(part)}:
        if expression.startswith("resources."):
            _, parent, *field = expression.split(".", 2)
            sources[expression] = (parent, field[0] if field else "")
        elif not (expression in resolved or (moves and expression.startswith("incremental."))):
            raise ConfigError(
                f"resource '{config.name}': '{{{expression}}}' is not known",
                hint="Known are {resources.<name>.<field>} and, where there is a cursor,"
                " {incremental.<value>}; braces themselves are written twice.",
            )
    parents = sorted({parent for parent, _ in sources.values()})
    if len(parents) > 1:
        raise ConfigError(f"resource '{config.name}' has several parents: {', '.join(parents)}")
    if config.include_from_parent and not parents:
        raise ConfigError(f"resource '{config.name}' has include_from_parent, but no parent")
    params = {name: value for name, value in endpoint.params.items() if name not in resolved}
    changed = config.model_copy(update={"endpoint": endpoint.model_copy(update={"params": params})})
    fields = {expression: field for expression, (_, field) in sources.items()}
    return replace(Fed(changed, None, fields), parent=parents[0] if parents else None)


def _resolved(name: str, param: str, value: Mapping[str, Any]) -> tuple[str, str]:
    """The parent and the field that a param says."""
    for key in ("resource", "field"):
        if key not in value:
            raise ConfigError(f"resource '{name}': the param '{param}' lacks '{key}'")
    return value["resource"], value["field"]


def _moves(param: Any) -> bool:
    """Whether a param is a cursor."""
    told = isinstance(param, Mapping) and param.get("type") == "incremental"
    return told or isinstance(param, Incremental)


def _single(endpoint: ApiEndpoint) -> ApiEndpoint:
    """An endpoint whose path ends in an expression gives one thing, unless it says otherwise."""
    if not re.search(r"\{[\w.\-]+\}", endpoint.path.rstrip("/").rpartition("/")[2]):
        return endpoint
    said = {
        "data_selector": endpoint.data_selector or "$",
        "paginator": endpoint.paginator or SinglePagePaginator(),
    }
    return endpoint.model_copy(update=said)


def _bound(name: str, endpoint: ApiEndpoint, resolved: Mapping[str, Any]) -> ApiEndpoint:
    """The endpoint with params that are values, and stand in its path, put in there."""
    path, params = endpoint.path, dict(endpoint.params)
    for expression in expressions(endpoint.path):
        if "." in expression or expression in resolved:
            continue
        if expression not in params:
            raise ConfigError(
                f"resource '{name}': its path needs a param '{expression}'",
                hint=nearest(expression, params),
            )
        path = path.replace(f"{{{expression}}}", str(params.pop(expression)))
    return endpoint.model_copy(update={"path": path, "params": params})


def _lacking(name: str, parent: str | None, field: str, row: Any) -> SourceError:
    known = row if isinstance(row, Mapping) else ()
    return SourceError(
        f"resource '{name}' takes '{field}' from the rows of '{parent}', and one has none",
        hint=nearest(field, map(str, known)),
    )
