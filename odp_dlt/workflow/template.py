"""Templates in params: `{{name}}`, `{{#helper}}text{{/helper}}` and `{{! a comment }}`.

chevron parses. What it would do with the parsed text is not wanted: it escapes HTML, makes unknown
names, zero-length and null values the same empty text, and parses filled-in values again.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from chevron.tokenizer import ChevronError, tokenize

from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.workflow import helpers
from odp_dlt.workflow.positions import KeyPath

At = Callable[[KeyPath], object]
"""The position of a path into the params: `lambda path: asset.origin.at("params", *path)`."""

PARTITION_NAMES = (
    "partition_key",
    "partition_keys",
    "partition_window_start",
    "partition_window_end",
)
CONTEXT_NAMES = (*PARTITION_NAMES, "run_id")
UTILS_NAMES = ("now",)

_GROUPS = ("context", "resource", "env", "utils", "sensor")
_REFUSED = {
    "partial": ("{{>", "partials"),
    "inverted section": ("{{^", "inverted sections"),
    "set delimiter": ("{{=", "changes of the delimiters"),
    "no escape?": ("{{{", "three braces closed by two"),
}
_SUPPORTED = "Supported: {{name}}, {{#helper}}text{{/helper}} and {{! comment }}."


@dataclass(frozen=True)
class _Variable:
    name: str


@dataclass(frozen=True)
class _Call:
    """A section: `parts` are rendered and given to the function called `name`."""

    name: str
    parts: "tuple[_Part, ...]"


_Part = str | _Variable | _Call


@dataclass(frozen=True)
class Known:
    """What an asset's templates can name, as far as it is known before a run.

    `parents` are asset keys; `resources` has the names of the params of each configured kind;
    `partition` the names under `context` that the asset's partitions give.
    """

    parents: tuple[str, ...] = ()
    resources: Mapping[str, Iterable[str]] = field(default_factory=dict)
    partition: tuple[str, ...] = ()


def variable_name(asset_key: str) -> str:
    """The name by which templates call a parent's metadata."""
    return asset_key.replace("/", "_")


def names_in(value: Any) -> set[str]:
    """The names of all variables in the strings of `value`, helpers' names not among them.

    ConfigError if a template cannot be parsed; `check` finds these first, with their positions.
    """
    return {name for _, name in places_of_names(value)}


def places_of_names(value: Any) -> Iterator[tuple[KeyPath, str]]:
    """The same, each with the path of the string that it is in."""
    return ((path, name) for path, text in _strings(value) for name in _variables(_parse(text)))


def render(value: Any, values: Mapping[str, Any], *, at: At | None = None) -> Any:
    """`value` with the templates in its strings filled in; keys of mappings are left alone.

    `values` holds `context`, `resource`, `env`, `utils`, `sensor`, and each parent's metadata under
    its variable name. A string that is one lone variable becomes that value, its type kept.
    ConfigError when a name is not there, or is not a single value and stands inside a longer text.
    """
    return _render(value, values, at or _nowhere, ())


def render_text(text: str, values: Mapping[str, Any], file: Path) -> str:
    """The text of `file` with its templates filled in; ConfigErrors say the line."""
    try:
        return _text(_parse(text), values)
    except ConfigError as e:
        raise ConfigError(e.message, at=_line_in(file, text, e), hint=e.hint) from e


def check(value: Any, known: Known, at: At | None = None) -> list[ConfigError]:
    """Everything wrong with the templates in `value` that can be seen without running.

    Left for the run: whether an environment variable is set, and what metadata a parent reports.
    """
    return [
        ConfigError(problem.message, at=(at or _nowhere)(path), hint=problem.hint)
        for path, text in _strings(value)
        for problem in _problems(text, known)
    ]


def check_text(text: str, known: Known, file: Path) -> list[ConfigError]:
    """As `check`, of the text of `file`."""
    return [
        ConfigError(problem.message, at=_line_in(file, text, problem), hint=problem.hint)
        for problem in _problems(text, known)
    ]


def _line_in(file: Path, text: str, problem: ConfigError) -> str:
    """Where the name that `problem` is about first stands in a template of `text`."""
    names = re.findall(r"'(?:\{\{[#/])?([^'{}]+)(?:\}\})?'", problem.message)
    found = (re.search(rf"\{{\{{[{{#/]?\s*{re.escape(name)}\s*\}}", text) for name in names)
    place = next((match.start() for match in found if match), text.find("{{"))
    return f"{file}:{text.count(chr(10), 0, place) + 1}"


def _nowhere(_: KeyPath) -> None:
    return None


def _strings(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _strings(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _strings(item, (*path, index))


def _parse(text: str) -> tuple[_Part, ...]:
    try:
        tokens = list(tokenize(text))
    except ChevronError as e:
        raise ConfigError(_unbalanced(str(e)), hint=_SUPPORTED) from e
    except IndexError as e:  # of chevron 0.14, on a tag without a name
        raise ConfigError("a template has '{{}}' without a name", hint=_SUPPORTED) from e
    if text.endswith("{{"):  # chevron 0.14 drops it
        raise ConfigError(_unbalanced("unclosed tag"), hint=_SUPPORTED)
    return tuple(_parts(iter(tokens)))


def _unbalanced(said: str) -> str:
    """What chevron's error says, in one line and without its own line number."""
    names = re.findall(r'"([^"]*)"', said)
    if said.startswith("unclosed"):
        return "a template has '{{' without '}}' after it"
    if said.startswith("Unexpected EOF"):
        return f"a template has '{{{{#{names[0]}}}}}' without '{{{{/{names[0]}}}}}' after it"
    inside = f"; '{{{{#{names[1]}}}}}' is still open" if len(names) > 1 else ""
    return f"a template has '{{{{/{names[0]}}}}}' without '{{{{#{names[0]}}}}}' before it{inside}"


def _parts(tokens: Iterator[tuple[str, str]]) -> Iterator[_Part]:
    """The parts up to the end of the text, or of the section that is open."""
    for kind, text in tokens:
        match kind:
            case "end":
                return
            case "literal":
                yield text
            case "variable" | "no escape":
                yield _Variable(text)
            case "section":
                yield _Call(text, tuple(_parts(tokens)))
            case _:
                start, what = _REFUSED[kind]
                message = f"'{start}' in a template: {what} are not supported"
                raise ConfigError(message, hint=_SUPPORTED)


def _variables(parts: Iterable[_Part]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, _Variable):
            yield part.name
        elif isinstance(part, _Call):
            yield from _variables(part.parts)


def _calls(parts: Iterable[_Part]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, _Call):
            yield part.name
            yield from _calls(part.parts)


def _helpers() -> dict[str, Callable[[str], str]]:
    return {
        name: function
        for name, function in inspect.getmembers(helpers, inspect.isfunction)
        if function.__module__ == helpers.__name__ and not name.startswith("_")
    }


def _problems(text: str, known: Known) -> Iterator[ConfigError]:
    try:
        parts = _parse(text)
    except ConfigError as e:
        yield e
        return
    for name in _calls(parts):
        if name not in _helpers():
            yield _unknown_helper(name)
    for name in _variables(parts):
        problem = _problem(name, known)
        if problem is not None:
            yield problem


def _problem(name: str, known: Known) -> ConfigError | None:
    group, _, rest = name.partition(".")
    owners = [key for key in known.parents if variable_name(key) == group]
    if len(owners) + (group in _GROUPS) > 1:
        meant = [f"asset '{key}'" for key in owners] + ["templates' own"] * (group in _GROUPS)
        message = f"the name '{name}' is ambiguous: '{group}' is {' and '.join(meant)}"
        return ConfigError(message, hint="Rename an asset.")
    if group not in _GROUPS and not owners:
        names = {*_GROUPS, *map(variable_name, known.parents)}
        hint = f"{nearest(group, names)} Other assets can be read when `depends_on` names them."
        return ConfigError(f"unknown name '{name}' in a template", hint=hint)
    if group in ("env", "sensor", *map(variable_name, owners)):
        return None if rest else _too_short(name)
    return _problem_in_group(name, known)


def _problem_in_group(name: str, known: Known) -> ConfigError | None:
    """The same for the groups whose names are all known before a run."""
    names = [f"context.{own}" for own in (*known.partition, "run_id")]
    names += [f"utils.{own}" for own in UTILS_NAMES]
    for kind, params in known.resources.items():
        names += [f"resource.{kind}.{param}" for param in params]
    group, _, rest = name.partition(".")
    if name in names or (group == "resource" and ".".join(name.split(".")[:3]) in names):
        return None
    if group == "context" and rest.split(".")[0] in PARTITION_NAMES and not known.partition:
        return ConfigError(
            f"'{name}' in a template, but the asset has no partitions",
            hint="Name the asset in an entry of `partitions`.",
        )
    if group == "context" and rest in PARTITION_NAMES:
        return ConfigError(
            f"'{name}' in a template, but the asset's partitions are not of time",
            hint=nearest(name, names),
        )
    if group == "context" and not known.partition:
        names += [f"context.{own}" for own in PARTITION_NAMES]
    own = [other for other in names if other.startswith(f"{group}.")]
    return _unknown(name, own)


def _unknown(name: str, known: Iterable[str]) -> ConfigError:
    return ConfigError(f"unknown name '{name}' in a template", hint=nearest(name, known))


def _unknown_helper(name: str) -> ConfigError:
    message = f"unknown helper '{{{{#{name}}}}}' in a template"
    return ConfigError(message, hint=nearest(name, _helpers()))


def _too_short(name: str) -> ConfigError:
    message = f"'{name}' in a template is a group of values, not a value"
    return ConfigError(message, hint=f"Write {{{{{name}.NAME}}}}.")


def _render(value: Any, values: Mapping[str, Any], at: At, path: KeyPath) -> Any:
    if isinstance(value, Mapping):
        return {key: _render(item, values, at, (*path, key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_render(item, values, at, (*path, i)) for i, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    try:
        parts = _parse(value)
        if len(parts) == 1 and isinstance(parts[0], _Variable):
            return _find(parts[0].name, values)
        return _text(parts, values)
    except ConfigError as e:
        raise ConfigError(e.message, at=at(path), hint=e.hint) from e


def _text(parts: Iterable[_Part], values: Mapping[str, Any]) -> str:
    texts = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, _Variable):
            texts.append(_as_text(part.name, _find(part.name, values)))
        elif part.name in _helpers():
            texts.append(_helpers()[part.name](_text(part.parts, values)))
        else:
            raise _unknown_helper(part.name)
    return "".join(texts)


def _as_text(name: str, value: Any) -> str:
    if isinstance(value, date | time | datetime):
        return value.isoformat()
    if isinstance(value, str | int | float | Decimal | Path):
        return str(value)
    what = "null" if value is None else f"a {type(value).__name__}"
    raise ConfigError(
        f"'{name}' is {what}, which cannot be a part of a text",
        hint=f"It can be a param's whole value: '{{{{{name}}}}}'.",
    )


def _find(name: str, values: Mapping[str, Any]) -> Any:
    """The value that `name` means. A key that holds dots is found as well as a nested one."""
    group, _, rest = name.partition(".")
    if group not in values:
        raise ConfigError(f"unknown name '{name}' in a template", hint=nearest(group, values))
    if not rest:
        raise _too_short(name)
    found = values[group]
    around = group
    while True:
        if not isinstance(found, Mapping):
            raise ConfigError(f"unknown name '{name}' in a template: '{around}' is a single value")
        if rest in found:
            return found[rest]
        first, dot, deeper = rest.partition(".")
        if group == "env" or not dot or first not in found:
            _missing(name, around, found)
        found, around, rest = found[first], f"{around}.{first}", deeper


def _missing(name: str, around: str, found: Mapping[str, Any]) -> NoReturn:
    group, _, rest = name.partition(".")
    if group == "env":  # the names of others are none of the reader's business
        raise ConfigError(
            f"the environment variable '{rest}' is not set", hint="Set it where the run is started."
        )
    if group == "sensor":
        raise ConfigError(f"'{name}' in a template: no sensor has started this, so it has no value")
    if group in _GROUPS:
        raise _unknown(name, [f"{around}.{key}" for key in found])
    has = ", ".join(sorted(found)) or "none"
    raise ConfigError(
        f"asset '{group}' has no metadata '{rest}' (it has: {has})",
        hint=None if found else f"Materialize '{group}' first.",
    )
