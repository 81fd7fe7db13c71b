"""Paths into nested values: `a.b`, `$.a[0]`, `a[*].b`, `a.*`, `'quoted name'`, `..name`.

What dlt's sources and its REST client ask of JSONPath; filters and other expressions are refused.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

from odp_dlt.errors import ConfigError

_NAME = r"[^\s.\[\]*$'\"?@(),|&]+(?: [^\s.\[\]*$'\"?@(),|&]+)*"
_QUOTED = r"\"[^\"]+\"|'[^']+'"
_STEP = re.compile(
    rf"(\.\.)?\.?(?:({_NAME}|{_QUOTED})|\[({_QUOTED})\]|\[(-?\d+)\]|(\*|\[\*\]))(?=[.\[]|$)"
)
EVERY: Final = object()
"""The step to all items of a list, or all values of a dict."""


class Below(NamedTuple):
    """The step to all fields of one name, however deep."""

    name: str


class Match(NamedTuple):
    """A value that was found: at `key` of `holder`, and the way to it."""

    value: Any
    holder: Any
    key: Any
    way: tuple[Any, ...]


def steps_of(path: str) -> tuple[Any, ...] | None:
    """The path's parts: names, positions, EVERY, Below; None if it is none that is known here."""
    rest = path.strip().removeprefix("$")
    if rest.startswith(".") and not rest.startswith("..") and rest == path.strip():
        return None
    steps: list[Any] = []
    while rest:
        found = _STEP.match(rest)
        if found is None:
            return None
        deep, name, bracketed, position, _ = found.groups()
        step = int(position) if position else _unquoted(name or bracketed)
        steps.append(Below(step) if deep and isinstance(step, str) else step)
        rest = rest[found.end() :]
    return tuple(steps)


def _unquoted(name: str | None) -> Any:
    if name is None:
        return EVERY
    return name[1:-1] if name[0] in "'\"" else name


@dataclass(frozen=True)
class JsonPath:
    """A compiled path; its text is `str()` of it."""

    text: str

    def __post_init__(self) -> None:
        _ = self.steps

    def __str__(self) -> str:
        return self.text

    @cached_property
    def steps(self) -> tuple[Any, ...]:
        """The path's parts. ConfigError if it is no path that is known here."""
        found = steps_of(self.text)
        if found is None:
            raise ConfigError(
                f"the JSON path '{self.text}' is not supported",
                hint="Known are fields, 'quoted fields', [0], [*], * and ..field, such as $.a[0].b",
            )
        return found

    def find(self, data: Any) -> list[Match]:
        """All matches in `data`, in their order there."""
        matches = [Match(data, None, None, ())]
        for step in self.steps:
            matches = [inner for match in matches for inner in _inner(match, step)]
        return matches


TJsonPath = str | JsonPath
TAnyJsonPath = TJsonPath | Iterable[TJsonPath]


def compile_path(s: TJsonPath) -> JsonPath:
    """The path `s`, compiled. ConfigError if it is none that is known here."""
    return s if isinstance(s, JsonPath) else JsonPath(s)


def compile_paths(s: TAnyJsonPath) -> list[JsonPath]:
    """One path, or several, compiled."""
    return [compile_path(each) for each in ([s] if isinstance(s, (str, JsonPath)) else s)]


def find_values(path: TJsonPath, data: Any) -> list[Any]:
    """All values at `path` in `data`."""
    return [match.value for match in compile_path(path).find(data)]


def resolve_paths(paths: TAnyJsonPath, data: Any) -> list[str]:
    """The full path, such as `a.items.[0].b`, of all that `paths` match in `data`."""
    found = (match for path in compile_paths(paths) for match in path.find(data))
    return [".".join(map(_spelled, match.way)) or "$" for match in found]


def delete_matches(paths: TAnyJsonPath, data: Any) -> None:
    """Take out of `data`, in place, what `paths` match."""
    for path in compile_paths(paths):
        for match in reversed(path.find(data)):
            if match.holder is not None:
                del match.holder[match.key]


def set_value_at_path(obj: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at `path`, names joined by dots, in `obj`; dicts on the way are made."""
    *way, last = str(path).split(".")
    for name in way:
        obj = obj.setdefault(name, {})
    obj[last] = value


def _inner(match: Match, step: Any) -> Iterator[Match]:
    value = match.value
    if isinstance(step, Below):
        yield from _below(match, step.name)
    elif step is EVERY:
        yield from _children(match)
    elif isinstance(step, int):
        if isinstance(value, list) and -len(value) <= step < len(value):
            yield Match(value[step], value, step, (*match.way, step))
    elif isinstance(value, dict) and step in value:
        yield Match(value[step], value, step, (*match.way, step))


def _children(match: Match) -> Iterator[Match]:
    value = match.value
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    for key, inner in pairs:
        yield Match(inner, value, key, (*match.way, key))


def _below(match: Match, name: str) -> Iterator[Match]:
    if isinstance(match.value, dict) and name in match.value:
        yield Match(match.value[name], match.value, name, (*match.way, name))
    for child in _children(match):
        yield from _below(child, name)


def _spelled(step: Any) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return step if re.fullmatch(r"\w+", step) else f"'{step}'"
