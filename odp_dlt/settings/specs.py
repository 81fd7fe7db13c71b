"""Configurations of several fields, such as credentials: classes under `@configspec`.

Each field is a setting of its own, `<argument>.<field>`; where a whole value stands under the
argument's name (JSON, or a connection string), the class reads that.
"""

import copy
import dataclasses
import types
from collections.abc import Mapping, Sequence
from functools import partial
from inspect import get_annotations
from typing import Any, ClassVar, TypeVar, Union, get_args, get_origin, get_type_hints

import orjson

from odp_dlt.errors import ConfigError, MissingSetting
from odp_dlt.settings.convert import plain
from odp_dlt.settings.lookup import MISSING, Settings

T = TypeVar("T")


class BaseConfiguration:
    """The base of what `@configspec` decorates; fields are those of a dataclass.

    A field is required unless its type allows None or it has a default other than None.
    """

    __section__: ClassVar[str | None] = None

    @classmethod
    def fields_and_types(cls) -> dict[str, Any]:
        """Field name → its type, without those that begin with `__`."""
        hints = get_type_hints(cls, include_extras=True)
        names = [each.name for each in dataclasses.fields(cls)]  # type: ignore[arg-type]
        return {name: hints[name] for name in names if not name.startswith("__")}

    def parse_native_representation(self, native_value: Any) -> None:
        """Take the fields from a whole value: a mapping, or its JSON. ValueError if it is none."""
        if isinstance(native_value, str):
            native_value = orjson.loads(native_value)
        if not isinstance(native_value, Mapping):
            raise ValueError("neither a table nor a JSON object")
        for name in self.fields_and_types():
            if name in native_value:
                setattr(self, name, native_value[name])

    def to_native_representation(self) -> Any:
        """The whole value as JSON."""
        return orjson.dumps(dict(self)).decode()

    def on_resolved(self) -> None:
        """Called when all fields have their values; a subclass may check or complete them."""

    def is_resolved(self) -> bool:
        """Whether no required field lacks a value."""
        return not self.missing()

    def missing(self) -> list[str]:
        """The names of required fields that have no value."""
        hints = self.fields_and_types()
        return [n for n, hint in hints.items() if not _optional(hint) and getattr(self, n) is None]

    def copy(self: T) -> T:
        """A configuration of its own with the same values."""
        return dataclasses.replace(self)  # type: ignore[type-var]

    def keys(self) -> list[str]:
        """The names of the fields; with `[]`, so that `dict(configuration)` works."""
        return list(self.fields_and_types())

    def __getitem__(self, name: str) -> Any:
        """The value of the field `name`."""
        if name not in self.fields_and_types():
            raise KeyError(name)
        return getattr(self, name)


class CredentialsConfiguration(BaseConfiguration):
    """A configuration that is a secret as a whole."""


def configspec(cls: type[T] | None = None, **options: Any) -> Any:
    """Make a dataclass of a class with typed fields; all may be left out when it is made."""

    def decorate(given: type[T]) -> type[T]:
        own = {n: hint for n, hint in get_annotations(given).items() if not _is_class_var(hint)}
        for name in own:
            if name not in given.__dict__:
                setattr(given, name, None)
        for name, value in list(given.__dict__.items()):
            if name in own and isinstance(value, (list, dict, set, BaseConfiguration)):
                setattr(given, name, dataclasses.field(default_factory=_copier(value)))
        if not issubclass(given, BaseConfiguration):
            given = type(given.__name__, (given, BaseConfiguration), dict(vars(given)))
        return dataclasses.dataclass(eq=False, repr=False, **options)(given)

    return decorate if cls is None else decorate(cls)


def specs_in(hint: Any) -> list[type[BaseConfiguration]]:
    """The configuration classes that a type names, of a union all of them."""
    kind = plain(hint)
    members = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else [kind]
    kinds = [plain(member) for member in members]
    return [k for k in kinds if isinstance(k, type) and issubclass(k, BaseConfiguration)]


def resolve_spec(
    settings: Settings,
    key: str,
    specs: Sequence[type[BaseConfiguration]],
    *,
    sections: Sequence[str],
    pipeline: str | None = None,
    default: Any = MISSING,
) -> Any:
    """The configuration under `key`, of the first of `specs` that finds all it requires.

    Without one the default; without a default MissingSetting about the last of them.
    """
    failure: MissingSetting | None = None
    for spec in specs:
        try:
            return _resolved(settings, key, spec, sections, pipeline)
        except MissingSetting as e:
            failure = e
    if default is not MISSING or failure is None:
        return default
    raise failure


def _resolved(
    settings: Settings,
    key: str,
    spec: type[BaseConfiguration],
    sections: Sequence[str],
    pipeline: str | None,
) -> BaseConfiguration:
    made = spec()
    secret = issubclass(spec, CredentialsConfiguration)
    if key:
        whole = settings.resolve(
            key, sections=sections, hint=Any, secret=secret, pipeline=pipeline, default=MISSING_NONE
        )
        if whole is not MISSING_NONE and not isinstance(whole, Mapping):
            _parse(made, whole, key)
    for name, hint in spec.fields_and_types().items():
        present = getattr(made, name)
        required = present is None and not _optional(hint)
        path = f"{key}.{name}" if key else name
        inner = specs_in(hint)
        find = partial(
            partial(resolve_spec, settings, path, inner)
            if inner
            else partial(settings.resolve, path, hint=hint, secret=secret),
            sections=sections,
            pipeline=pipeline,
        )
        setattr(made, name, find(default=MISSING if required else present))
    made.on_resolved()
    return made


def _parse(made: BaseConfiguration, whole: Any, key: str) -> None:
    try:
        made.parse_native_representation(whole)
    except (ValueError, TypeError) as e:
        raise ConfigError(
            f"the setting '{key}' is no {type(made).__name__}",
            hint="Give its fields one by one, or the whole as JSON or a connection string.",
        ) from e


class _NoneThere:
    """What a lookup gives where there is no whole value."""


MISSING_NONE = _NoneThere()


def _optional(hint: Any) -> bool:
    return type(None) in get_args(hint) or hint is Any


def _is_class_var(hint: Any) -> bool:
    return get_origin(hint) is ClassVar or str(hint).startswith(("ClassVar", "typing.ClassVar"))


def _copier(value: Any) -> Any:
    return partial(copy.copy, value)
