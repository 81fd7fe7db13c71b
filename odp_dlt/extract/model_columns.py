"""The columns that a pydantic model declares: `columns=Model`, by dlt's rules."""

import enum
from datetime import date, datetime, time
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel, Json

from odp_dlt.schema.model import DataType
from odp_dlt.schema.naming import naming_convention

_TYPES: tuple[tuple[type, DataType], ...] = (  # in this order: a bool is an int, a datetime a date
    (bool, "bool"),
    (int, "bigint"),
    (float, "double"),
    (str, "text"),
    (bytes, "binary"),
    (datetime, "timestamp"),
    (date, "date"),
    (time, "time"),
    (Decimal, "decimal"),
    (list, "json"),
    (dict, "json"),
)


def is_model(given: Any) -> TypeGuard[type[BaseModel]]:
    """Whether `given` is a pydantic model class."""
    return isinstance(given, type) and issubclass(given, BaseModel)


def columns_of_model(model: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """Column name (the alias, where there is one) → dlt's column hints.

    Fields of any type are left to be inferred. Nested models are JSON, or flattened, and lists and
    dicts left out, if the model's `dlt_config` has `skip_nested_types`.
    """
    options = getattr(model, "dlt_config", {})
    skips = bool(options.get("skip_nested_types", options.get("skip_complex_types", False)))
    columns: dict[str, dict[str, Any]] = {}
    for name, field in model.model_fields.items():
        kind, nullable = _inner(field.annotation)
        if kind is Any:
            continue
        key = field.alias or name
        if is_model(kind) and skips:
            columns.update(_flattened(key, kind, nullable))
            continue
        data_type = "json" if is_model(kind) else _data_type(kind)
        if not (skips and data_type == "json"):
            columns[key] = {"name": key, "data_type": data_type, "nullable": nullable}
    return columns


def _flattened(key: str, model: type[BaseModel], nullable: bool) -> dict[str, dict[str, Any]]:
    naming = naming_convention("snake_case")
    found = {}
    for inner in columns_of_model(model).values():
        name = naming.join(naming.path(key), naming.path(inner["name"]))
        found[name] = {**inner, "name": name, "nullable": inner["nullable"] or nullable}
    return found


def _inner(annotation: Any) -> tuple[Any, bool]:
    """The type itself, of a union the first, and whether None is one of its values."""
    nullable = False
    while True:
        annotation = getattr(annotation, "inner_type", annotation)
        origin, members = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            annotation = members[0]
        elif origin in (Union, UnionType):
            nullable = nullable or type(None) in members
            annotation = next(member for member in members if member is not type(None))
        elif origin is Literal:
            return type(members[0]), nullable
        elif annotation is Json:
            return Any, nullable
        else:
            return origin or annotation, nullable


def _data_type(kind: Any) -> DataType:
    if not isinstance(kind, type) or (issubclass(kind, enum.Enum) and kind.__mro__[1] is enum.Enum):
        return "text"
    return next((data_type for known, data_type in _TYPES if issubclass(kind, known)), "text")
