"""Arguments of the user's functions that the settings give: `dlt.secrets.value` and the like."""

import functools
import inspect
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Annotated, Any, get_args, get_origin

from odp_dlt.errors import ConfigError, MissingSetting, OdpError
from odp_dlt.extract import current
from odp_dlt.settings import MISSING, settable
from odp_dlt.settings.specs import resolve_spec, specs_in


@dataclass(frozen=True)
class FromSettings:
    """A default that says: the settings give the value. Also marks the types of secrets."""

    secret: bool


TSecretValue = Annotated[Any, FromSettings(secret=True)]
TSecretStrValue = Annotated[str, FromSettings(secret=True)]


@dataclass(frozen=True)
class Values:
    """`dlt.secrets` or `dlt.config`: its `value` as a default, or a setting by its dotted name."""

    secret: bool

    @property
    def value(self) -> Any:
        """The default of an argument that the settings are to give."""
        return FromSettings(self.secret)

    def __getitem__(self, name: str) -> Any:
        """The setting `name`, such as `sources.github.token`. MissingSetting if there is none."""
        return self._find(name, Any, MISSING)

    def __setitem__(self, name: str, value: Any) -> None:
        """Set `name` for this program; an environment variable of that name still beats it."""
        memory = current.settings().memory
        (memory.secrets if self.secret else memory.config).assign(name, value)

    def get(self, name: str, expected_type: Any = Any) -> Any:
        """The setting `name` as `expected_type`, or None."""
        return self._find(name, expected_type, None)

    def _find(self, name: str, hint: Any, default: Any) -> Any:
        settings = current.settings()
        return settings.resolve(name, sections=(), hint=hint, secret=self.secret, default=default)


@dataclass(frozen=True)
class Signature:
    """A function of the user's, and where its settings stand.

    With `marked_only`, settings give only what a default asks them for, not every argument: so it
    is for functions inside others, whose arguments are the source author's own business.
    """

    function: Callable[..., Any]
    what: str
    marked_only: bool = False

    def filled(
        self,
        sections: Sequence[str],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        given: Mapping[str, Any] = MappingProxyType({}),
    ) -> inspect.BoundArguments:
        """`args` and `kwargs` as they are, all others from the settings or their defaults.

        `given` stands in for single arguments, by name, passed or not.

        ConfigError if an argument is unknown or has no value at all.
        """
        signature = inspect.signature(self.function)
        try:
            bound = signature.bind_partial(*args, **kwargs)
        except TypeError as e:
            raise ConfigError(f"{self.what}: {e}", at=place_of(self.function)) from e
        bound.arguments.update(given)
        for name, parameter in signature.parameters.items():
            if name not in bound.arguments and parameter.kind not in (
                parameter.VAR_POSITIONAL,
                parameter.VAR_KEYWORD,
            ):
                bound.arguments[name] = self._value(parameter, sections)
        bound.arguments = {
            n: bound.arguments[n] for n in signature.parameters if n in bound.arguments
        }
        return bound

    def _value(self, parameter: inspect.Parameter, sections: Sequence[str]) -> Any:
        default = parameter.default
        marked = isinstance(default, FromSettings)
        absent = default is parameter.empty
        if self.marked_only and not marked:
            if absent:
                raise self._unbound(parameter.name)
            return default
        hint = self._hint(parameter)
        specs = specs_in(hint)
        if not (marked or absent or specs or settable(hint)):
            return default  # an object such as a client; nobody means a setting by it
        try:
            if specs:
                return resolve_spec(
                    current.settings(),
                    parameter.name,
                    specs,
                    sections=sections,
                    pipeline=current.pipeline_name(),
                    default=self._default(default, hint),
                )
            return current.settings().resolve(
                parameter.name,
                sections=sections,
                hint=hint,
                secret=default.secret if marked else _is_secret(hint),
                pipeline=current.pipeline_name(),
                default=self._default(default, hint),
            )
        except OdpError as e:
            error = MissingSetting if isinstance(e, MissingSetting) else ConfigError
            message = f"{self.what}, argument '{parameter.name}': {e.message}"
            hint_text = e.hint if e.at is None else f"Looked up in {e.at}."
            raise error(message, at=place_of(self.function), hint=hint_text) from e

    @staticmethod
    def _default(default: Any, hint: Any) -> Any:
        """What an argument is without a setting: a marked one that may be None is None."""
        if isinstance(default, FromSettings):
            return None if type(None) in get_args(hint) else MISSING
        return MISSING if default is inspect.Parameter.empty else default

    def _unbound(self, name: str) -> ConfigError:
        return ConfigError(
            f"{self.what} was given no value for its argument '{name}'",
            at=place_of(self.function),
            hint="Call it with its arguments, or give the argument a default.",
        )

    def _hint(self, parameter: inspect.Parameter) -> Any:
        annotation = parameter.annotation
        if isinstance(annotation, str):
            annotation = _evaluated(annotation, self.function)
        default = parameter.default
        if annotation is parameter.empty and not isinstance(default, FromSettings):
            known = default is not parameter.empty and default is not None
            return type(default) if known else Any
        return annotation


def with_config(
    func: Callable[..., Any] | None = None,
    /,
    spec: Any = None,
    sections: str | Sequence[str] = (),
    **_options: Any,
) -> Any:
    """Decorates a function whose arguments, where they are not passed, the settings give.

    They stand under `sections`, or under the names nearer to the top. `spec` and dlt's other
    options are taken and not needed: an argument's type says what it is.
    """
    path = (sections,) if isinstance(sections, str) else tuple(sections)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def filled(*args: Any, **kwargs: Any) -> Any:
            what = f"function '{function.__name__}'"
            bound = Signature(function, what).filled(path, args, kwargs)
            return function(*bound.args, **bound.kwargs)

        return filled

    return decorate if func is None else decorate(func)


def section_of(function: Callable[..., Any]) -> str:
    """The section of a function's settings: the last part of its module's name."""
    name = getattr(function, "__module__", None) or ""
    if name == "__main__":
        file = getattr(sys.modules["__main__"], "__file__", None)
        return Path(file).stem if file else name
    return name.rpartition(".")[2]


def place_of(function: Any) -> str | None:
    """File and line of a function, if it has them."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return None if code is None else f"{code.co_filename}:{code.co_firstlineno}"


def _is_secret(hint: Any) -> bool:
    if get_origin(hint) is Annotated:
        return any(isinstance(mark, FromSettings) and mark.secret for mark in hint.__metadata__)
    return any(_is_secret(member) for member in get_args(hint) if member is not type(None))


def _evaluated(annotation: str, function: Callable[..., Any]) -> Any:
    owner = SimpleNamespace(__annotations__={"it": annotation})
    scope = getattr(inspect.unwrap(function), "__globals__", {})
    try:
        return typing.get_type_hints(owner, globalns=scope, include_extras=True)["it"]
    except (NameError, AttributeError, TypeError, SyntaxError):
        return Any  # a name that is imported for type checkers only
