"""The models of `odp_dlt/resources/` as Dagster's own resources.

Dagster shows their params, and hands the model itself to whoever asks for the resource:

    @dg.asset
    def report(duckdb: dg.ResourceParam[DuckDB]) -> None:
        with duckdb.connection() as con: ...

    dg.Definitions(assets=[report], resources={"duckdb": resource("duckdb", database="shop.db")})
"""

from pathlib import Path
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

import dagster as dg
from pydantic import create_model

from odp_dlt.resources.base import Resource, resources
from odp_dlt.tasks.params import validated
from odp_dlt.workflow.models import Workflow


class _Configured(dg.ConfigurableResource[Any]):
    """A resource with the fields of `model`, as written; relative paths count from `root`."""

    model: ClassVar[type[Resource]]
    root: ClassVar[Path]

    def create_resource(self, context: dg.InitResourceContext) -> Resource:
        written = {name: getattr(self, name) for name in type(self).model_fields}
        given = {name: value for name, value in written.items() if value is not None}
        return validated(self.model, given, self.root)


def resource(
    kind: str, /, *, root: str | Path | None = None, **params: Any
) -> dg.ConfigurableResource[Any]:
    """The resource that `resource_kind: kind` with these `params` means, for one's own Definitions.

    Relative paths count from `root`, or without it from the working directory. ParamError for wrong
    params, ConfigError for an unknown kind.
    """
    model = resources.find(kind)
    anchor = Path.cwd() if root is None else Path(root).resolve()
    checked = validated(model, params, anchor)
    written = {name: params.get(name) for name in model.model_fields}
    for name, field in model.model_fields.items():
        if written[name] is None and name in checked.model_fields_set:  # under another name
            aliases = getattr(field.validation_alias, "choices", [])
            written[name] = next(params[alias] for alias in aliases if alias in params)
    return _shown(kind, model, anchor)(**{k: v for k, v in written.items() if v is not None})


def resource_definitions(workflow: Workflow) -> dict[str, dg.ConfigurableResource[Any]]:
    """All resources of the workflow, by name."""
    return {
        config.key: resource(config.resource_kind, root=workflow.root, **config.params)
        for config in workflow.resources
    }


def _shown(kind: str, model: type[Resource], root: Path) -> type[dg.ConfigurableResource[Any]]:
    """A Dagster resource class with the fields of `model`."""
    fields: dict[str, Any] = {
        name: (
            _config_type(field.annotation),
            ... if field.is_required() else field.get_default(call_default_factory=True),
        )
        for name, field in model.model_fields.items()
    }
    made = create_model(
        model.__name__,
        __base__=_Configured,
        __module__=model.__module__,
        __doc__=model.__doc__,
        **fields,
    )
    made.model, made.root = model, root
    return made


def _config_type(annotation: Any) -> Any:
    """The type that Dagster's config system has for a field: paths and choices are text to it."""
    if get_origin(annotation) is Annotated:
        return _config_type(get_args(annotation)[0])
    if annotation is Path or get_origin(annotation) is Literal:
        return str
    if get_origin(annotation) in (Union, UnionType):
        kinds = {_config_type(one) for one in get_args(annotation) if one is not type(None)}
        optional = type(None) in get_args(annotation)
        only = kinds.pop() if len(kinds) == 1 else Any
        return only | None if optional else only
    return annotation
