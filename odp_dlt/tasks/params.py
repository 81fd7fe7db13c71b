"""What a person wrote as params → a model; what is wrong with it says at which param."""

import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel, ValidationError
from pydantic.fields import FieldInfo

from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.settings import anchored

Model = TypeVar("Model", bound=BaseModel)
ParamPath = tuple[str | int, ...]


class ParamError(ConfigError):
    """One param is wrong; `path` leads to it from the params, for whoever knows file and line."""

    def __init__(self, message: str, path: ParamPath, *, hint: str | None = None) -> None:
        self.path = path
        super().__init__(message, at=".".join(map(str, ("params", *path))), hint=hint)


def validated(model: type[Model], params: Mapping[str, Any], root: Path, *path: str | int) -> Model:
    """`params` as a `model`, relative paths counted from `root`; `path` is where the params stand.

    Raises ParamError for the first thing that is wrong.
    """
    try:
        return anchored(model, params, root)
    except ValidationError as e:
        raise _first(e, model, path, range(e.error_count())) from e


def validated_unless_template(
    model: type[Model], params: Mapping[str, Any], root: Path, *path: str | int
) -> Model | None:
    """As `validated`, but None if only values that hold templates do not fit yet."""
    try:
        return anchored(model, params, root)
    except ValidationError as e:
        certain = [n for n, error in enumerate(e.errors()) if not _waits(error, params)]
        if not certain:
            return None
        raise _first(e, model, path, certain) from e


def holds_template(value: Any) -> bool:
    """Whether a string in `value`, however deep, holds a template."""
    if isinstance(value, str):
        return "{{" in value
    if isinstance(value, Mapping):
        return any(map(holds_template, value.values()))
    return isinstance(value, list) and any(map(holds_template, value))


def param_names(model: type[BaseModel]) -> list[str]:
    """Every name that a param of `model` can be written with."""
    return list(_names(model))


def named_values(params: BaseModel) -> dict[str, Any]:
    """The params as plain values, under every name that each can be written with."""
    plain = params.model_dump(mode="json")
    return {
        alias: plain[name]
        for name, field in type(params).model_fields.items()
        for alias in _field_names(name, field)
    }


def _waits(error: Mapping[str, Any], params: Any) -> bool:
    """Whether the value that an error is about is there, and holds a template."""
    value = params
    for part in error["loc"]:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            break  # a missing key, or a name that pydantic itself gives to a part of a union
    return error["type"] not in ("missing", "extra_forbidden") and holds_template(value)


def _first(
    e: ValidationError, model: type[BaseModel], path: ParamPath, numbers: Iterable[int]
) -> ParamError:
    """The first of the errors `numbers`; an unknown name is often why another one is missing."""
    errors = e.errors(include_url=False, include_input=False)
    error = min((errors[n] for n in numbers), key=lambda found: found["type"] != "extra_forbidden")
    loc = tuple(error["loc"])
    name = str(loc[-1]) if loc else ""
    if error["type"] == "extra_forbidden":
        known = list(_names(_inner(model, loc[:-1])))
        return ParamError(f"unknown param '{name}'", (*path, *loc), hint=nearest(name, known))
    if error["type"] == "missing":
        return ParamError(f"the param '{name}' is missing", (*path, *loc))
    return ParamError(f"'{'.'.join(map(str, loc))}': {error['msg']}", (*path, *loc))


def _inner(model: type[BaseModel], loc: ParamPath) -> type[BaseModel]:
    """The model that the params at `loc` are for."""
    for part in loc:
        field = model.model_fields.get(str(part))
        found = next(_models(field.annotation), None) if field else None
        if found is None:
            return model
        model = found
    return model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, types.UnionType):
        for one in get_args(annotation):
            yield from _models(one)


def _names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield from _field_names(name, field)


def _field_names(name: str, field: FieldInfo) -> list[str]:
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else ()
    return [name, *(str(choice) for choice in choices if choice != name)]
