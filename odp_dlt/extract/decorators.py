"""`@dlt.source`, `@dlt.resource` and `@dlt.transformer`."""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypedDict, Unpack, overload

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.extract import current
from odp_dlt.extract.current import Running
from odp_dlt.extract.failure import user_code
from odp_dlt.extract.hints import Hints
from odp_dlt.extract.incremental import Incremental
from odp_dlt.extract.inject import Signature, place_of, section_of
from odp_dlt.extract.resource import Resource
from odp_dlt.extract.source import Source
from odp_dlt.registry import nearest

_LATER = "It is part of dlt, but not of this version."


class SourceFactory:
    """A function under `@dlt.source`: called, it gives a Source. Settings fill its arguments."""

    is_source = True

    def __init__(
        self, function: Callable[..., Any], name: str, section: str, options: Mapping[str, Any]
    ) -> None:
        """`options` are the keywords that the decorator was given."""
        self.function = function
        self.name = name
        self.section = section
        self.options = dict(options)
        functools.update_wrapper(self, function)

    @property
    def place(self) -> str | None:
        """File and line of the function."""
        return place_of(self.function)

    def __call__(self, *args: Any, **kwargs: Any) -> Source:
        """The source. Arguments that are not passed come from the settings, or their defaults.

        MissingSetting or ConfigError if one has no value, SourceError if the function fails or
        gives anything but resources.
        """
        sections = ("sources", self.section, self.name)
        bound = Signature(self.function, f"source '{self.name}'").filled(sections, args, kwargs)
        with user_code(lambda: f"source '{self.name}'", self.function):
            resources = self._resources(bound)
        kept = {name: value for name, value in self.options.items() if name in _KEPT}
        try:
            made = Source(self.name, resources, section=self.section, **kept)
        except SourceError as e:
            raise SourceError(e.message, at=self.place, hint="Give one of them name=….") from e
        return made.parallelize() if self.options.get("parallelized") else made

    def _resources(self, bound: inspect.BoundArguments) -> list[Resource]:
        present = current.now() or Running(current.settings(), made=True)
        here = replace(present, source_name=self.name, section=self.section)
        with current.running(here):
            return self._checked(self.function(*bound.args, **bound.kwargs))

    def _checked(self, given: Any) -> list[Resource]:
        what = f"source '{self.name}' (function {self.function.__name__})"
        if given is None:
            raise SourceError(
                f"{what} returned None",
                at=self.place,
                hint="It must return or yield its resources; is a 'return' missing?",
            )
        single = isinstance(given, Resource) or not isinstance(given, Iterable)
        found = [given] if single else list(given)
        for each in found:
            if not isinstance(each, Resource):
                raise SourceError(
                    f"{what} gave a {type(each).__name__} where a resource should be",
                    at=self.place,
                    hint="Make it one: dlt.resource(rows, name=…), or @dlt.resource on a function.",
                )
        return found


ResourceName = str | Callable[[dict[str, Any]], str] | None
"""A name, or a function that makes it of the arguments that are bound."""


class SourceOptions(TypedDict, total=False):
    """The keywords of `source`."""

    max_table_nesting: int | None
    root_key: bool | None
    schema: None
    schema_contract: str | Mapping[str, str] | None
    spec: Any
    parallelized: bool


class ResourceOptions(TypedDict, total=False):
    """The keywords of `resource`: the table's hints, and how the resource runs."""

    table_name: Any
    write_disposition: Any
    primary_key: Any
    merge_key: Any
    columns: Any
    max_table_nesting: int | None
    schema_contract: str | Mapping[str, str] | None
    table_format: str | None
    file_format: str | None
    references: Any
    nested_hints: Any
    selected: bool
    incremental: Incremental[Any] | None
    section: str | None
    standalone: bool | None
    parallelized: bool
    spec: Any
    data_from: Any


@overload
def source(
    func: Callable[..., Any],
    /,
    name: str | None = None,
    section: str | None = None,
    **options: Unpack[SourceOptions],
) -> SourceFactory: ...
@overload
def source(
    func: None = None,
    /,
    name: str | None = None,
    section: str | None = None,
    **options: Unpack[SourceOptions],
) -> Callable[[Callable[..., Any]], SourceFactory]: ...
def source(
    func: Callable[..., Any] | None = None,
    /,
    name: str | None = None,
    section: str | None = None,
    **options: Unpack[SourceOptions],
) -> SourceFactory | Callable[[Callable[..., Any]], SourceFactory]:
    """Decorates a function that returns or yields resources; also without parentheses.

    Gives a SourceFactory. `name` is the schema's, the function's own unless given; `section` is
    where the settings stand, the last part of the module's name unless given.
    """
    _refuse("source", options, SourceOptions, {"schema"})

    def decorate(function: Callable[..., Any]) -> SourceFactory:
        if not inspect.isroutine(function):
            raise ConfigError(f"@dlt.source cannot decorate a {type(function).__name__}")
        own_name = name or function.__name__
        return SourceFactory(function, own_name, section or section_of(function), options)

    return decorate if func is None else decorate(func)


@overload
def resource(
    data: None = None, /, name: ResourceName = None, **options: Unpack[ResourceOptions]
) -> Callable[[Any], Resource]: ...
@overload
def resource(
    data: Any, /, name: ResourceName = None, **options: Unpack[ResourceOptions]
) -> Resource: ...
def resource(
    data: Any = None, /, name: ResourceName = None, **options: Unpack[ResourceOptions]
) -> Resource | Callable[[Any], Resource]:
    """Decorates a function that yields pages, or makes a Resource of rows; dlt's keywords.

    Gives a Resource; calling it binds the arguments of the function. Arguments that are not bound
    come from the settings when the resource runs: inside a source only those whose default is
    `dlt.secrets.value` or `dlt.config.value`. ConfigError if rows are given without a name.
    """
    _refuse("resource", options, ResourceOptions, frozenset())
    if options.get("data_from") is not None:
        made: Resource | Callable[[Any], Resource] = transformer(data, name=name, **options)
        return made

    def make(given: Any) -> Resource:
        return _made(given, name, options)

    return make if data is None else make(data)


def transformer(
    f: Callable[..., Any] | None = None,
    /,
    data_from: Any = None,
    name: ResourceName = None,
    **options: Any,
) -> Any:
    """Decorates a function whose first argument is what another resource yields.

    That is `data_from` (a resource, or a function or rows to make one of), or what is piped into
    it: `users | details`. It gets a page where a page was yielded, a row where a row was. Gives a
    Resource; calling it binds the arguments after the first. Also without parentheses.
    """
    _refuse("transformer", options, ResourceOptions, {"incremental"})

    def make(given: Any) -> Resource:
        if not callable(given) or isinstance(given, Resource):
            raise ConfigError(f"@dlt.transformer cannot decorate a {type(given).__name__}")
        try:
            takes_items = bool(inspect.signature(given).parameters)
        except (TypeError, ValueError):  # a builtin does not tell
            takes_items = True
        if not takes_items:
            raise ConfigError(
                f"the transformer '{name or _name_of(given)}' takes no argument for its items",
                at=place_of(given),
                hint="Its first argument is what its parent yields.",
            )
        made = _made(given, name, options)
        made.is_transformer = True
        if data_from is not None:
            made.parent = data_from if isinstance(data_from, Resource) else _made(data_from)
        return made

    return make if f is None else make(f)


def _made(
    given: Any,
    name: ResourceName = None,
    options: Mapping[str, Any] = MappingProxyType({}),
) -> Resource:
    own_name = name if isinstance(name, str) and name else _name_of(given)
    try:
        hints = Hints(**{k: v for k, v in options.items() if k in Hints.__dataclass_fields__})
    except ConfigError as e:
        at = place_of(given) or f"resource '{own_name}'"
        raise ConfigError(e.message, at=at, hint=e.hint) from e
    return Resource(
        name=own_name,
        data=given,
        hints=hints,
        section=options.get("section") or section_of(given),
        selected=options.get("selected", True),
        declared=_declared(options.get("incremental")),
        parallelized=options.get("parallelized", False),
        name_from=name if callable(name) else None,
    )


_KEPT = frozenset({"max_table_nesting", "root_key", "schema_contract"})


def _refuse(what: str, options: Mapping[str, Any], known: type, not_yet: AbstractSet[str]) -> None:
    for key, value in options.items():
        if key not in known.__annotations__:
            raise ConfigError(
                f"dlt.{what} has no argument '{key}'", hint=nearest(key, known.__annotations__)
            )
        if key in not_yet and value:
            raise ConfigError(f"dlt.{what}({key}=…) is not supported", hint=_LATER)


def _declared(given: Any) -> Incremental[Any] | None:
    if isinstance(given, Mapping):
        return Incremental(**given)
    if given is None or isinstance(given, Incremental):
        return given
    raise ConfigError(f"incremental= cannot be a {type(given).__name__}")


def _name_of(given: Any) -> str:
    found = getattr(given, "__name__", None)
    if isinstance(given, Resource):
        return given.name
    if not isinstance(found, str) or found == "<lambda>":
        raise ConfigError(
            f"a resource of a {type(given).__name__} has no name",
            hint="Give name=… to dlt.resource.",
        )
    return found
