"""One value of a file becomes one entry, or the problems of it in the words of the file."""

import re
import types
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.workflow.entry import Entry, Origin, Position
from odp_dlt.workflow.positions import KeyPath

E = TypeVar("E", bound=Entry)

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


def read_entry(
    kind: type[E], section: str, value: Any, origin: Origin
) -> tuple[E | None, list[ConfigError]]:
    """The entry that `value` is, or else all that is wrong with it."""
    try:
        must_be(value, dict, f"an entry of '{section}'", origin.at())
        if "origin" in value:  # a field of the model, but not one to write
            hint = nearest("origin", _keys(kind, (), value))
            raise ConfigError("unknown key 'origin'", at=origin.at("origin"), hint=hint)
        return kind.model_validate({**value, "origin": origin}, strict=True), []
    except ValidationError as e:
        found = _chosen(e.errors(include_url=False), value)
        return None, [_problem(kind, error, path, value, origin) for path, error in found]
    except ConfigError as e:
        return None, [e]


def must_be(value: Any, expected: type, name: str, at: Position) -> None:
    """ConfigError unless `value` is of the type `expected`, a list or a mapping."""
    if not isinstance(value, expected):
        word = "a list" if expected is list else "a mapping"
        raise _wrong_type(name, word, value, at)


def _chosen(errors: list[ErrorDetails], value: Any) -> Iterator[tuple[KeyPath, ErrorDetails]]:
    """Each error with its path in `value`.

    Where several models were tried on one value, pydantic has the errors of all of them, told apart
    by names that it puts into the path; those of the model that was meant are told: of a mapping
    the ones inside it, of anything else the choices.
    """
    tried: dict[KeyPath, list[tuple[KeyPath, ErrorDetails]]] = {}
    for error in errors:
        path, branch = _path(error, value)
        if branch is None:
            yield path, error
        else:
            tried.setdefault(branch, []).append((path, error))
    for branch, found in tried.items():
        inside = [one for one in found if one[1]["type"] not in ("literal_error", "model_type")]
        is_mapping = isinstance(_value_at(value, branch), dict)
        choices = [one for one in found if one[1]["type"] == "literal_error"]
        yield from (inside if is_mapping and inside else choices[:1] or found[:1])


def _path(error: ErrorDetails, value: Any) -> tuple[KeyPath, KeyPath | None]:
    """The error's path without pydantic's own names, and where the first of these stands."""
    loc = error["loc"]
    names_a_key = error["type"] in ("missing", "extra_forbidden")
    path: KeyPath = ()
    branch: KeyPath | None = None
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        inner = _value_at(value, path)
        has = isinstance(inner, dict) and part in inner
        has = has or (isinstance(inner, list) and isinstance(part, int))
        if has or (last and names_a_key) or part == "[key]":
            path = (*path, part)
        elif branch is None:
            branch = path
    return path, branch


def _value_at(value: Any, path: KeyPath) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _problem(
    kind: type[Entry], error: ErrorDetails, path: KeyPath, value: Any, origin: Origin
) -> ConfigError:
    """What pydantic found, said in the words of the file."""
    at = origin.at(*path)
    name = ".".join(map(str, path))
    match error["type"]:
        case _ if path[-1] == "[key]":
            said = f"the key {path[-2]} of '{path[0]}' must be text"
            return ConfigError(said, at=origin.at(*path[:-1]), hint="Put it in quotes.")
        case "extra_forbidden":
            hint = nearest(str(path[-1]), _keys(kind, path[:-1], value))
            return ConfigError(f"unknown key '{path[-1]}'", at=at, hint=hint)
        case "missing" | "union_tag_not_found":
            tag = error.get("ctx", {}).get("discriminator", "").strip("'")
            whole = f"{name}.{tag}" if tag else name
            there = ", ".join(map(str, error["input"])) if tag else ""
            written = f"Written there: {there}." if there else None
            return ConfigError(f"the key '{whole}' is missing", at=at, hint=written)
        case "literal_error" | "union_tag_invalid":
            return _no_choice(name, error, at, origin.at)
        case other if other in _EXPECTED:
            return _wrong_type(f"'{name}'", _EXPECTED[other], error["input"], at)
    return ConfigError(f"'{name}' is not valid: {error['msg']}", at=at)


def _no_choice(name: str, error: ErrorDetails, at: Position, place: Any) -> ConfigError:
    context = error["ctx"]
    if error["type"] == "union_tag_invalid":
        tag = context["discriminator"].strip("'")
        choices = re.findall(r"'(\w+)'", context["expected_tags"])
        given, name = context["tag"], f"{name}.{tag}"
    else:
        choices = re.findall(r"'(\w+)'", context["expected"])
        given = error["input"]
    asked = str(given)
    if all(choice.isupper() for choice in choices):
        asked = asked.upper()
    return ConfigError(f"'{name}' cannot be '{given}'", at=at, hint=nearest(asked, choices))


def _keys(kind: type[BaseModel], path: KeyPath, value: Any) -> list[str]:
    """The keys that can be written at `path` of an entry."""
    models: list[Any] = [kind]
    for end, part in enumerate(path, 1):
        inner = _value_at(value, path[:end])
        models = [found for model in models for found in _inner(model, part)]
        models = [model for model in models if _fits(model, inner)] or models
    names = {name for model in models for name in model.model_fields}
    return sorted(names - {"origin"})


def _inner(annotation: Any, part: str | int) -> Iterator[type[BaseModel]]:
    """The models that can stand at `part` of a model."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(part))
        if field is not None:
            yield from _models(field.annotation)
        elif isinstance(part, int) or str(part) not in annotation.model_fields:
            yield annotation  # an item of a list, or a value of a mapping, of these


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, types.UnionType, list, dict) or get_args(annotation):
        for one in get_args(annotation):
            yield from _models(one)


def _fits(model: type[BaseModel], value: Any) -> bool:
    """Whether the choices that `value` makes are those of `model`."""
    if not isinstance(value, Mapping):
        return True
    for name, field in model.model_fields.items():
        choices = get_args(field.annotation) if get_origin(field.annotation) is not None else ()
        if len(choices) == 1 and isinstance(choices[0], str) and value.get(name) != choices[0]:
            return False
    return True


def _wrong_type(name: str, expected: str, value: Any, at: Position) -> ConfigError:
    """The type of `value` is told, not `value`: it can be a secret that stands in a wrong place."""
    found = {type(None): "empty", str: "text", list: "a list", dict: "a mapping"}
    hint = None
    if expected == "text" and isinstance(value, bool | int | float):
        hint = "Put it in quotes."
    is_now = found.get(type(value), "true or false" if isinstance(value, bool) else "a number")
    return ConfigError(f"{name} must be {expected}, but is {is_now}", at=at, hint=hint)
