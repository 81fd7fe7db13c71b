"""In which places, and under which names, a setting is looked for: dlt's order.

Two passes, the first with the pipeline's name in front of every name. In each pass the places one
after the other (environment, secrets.toml, config.toml), and in each place the names from the most
to the least specific: so an environment variable without any section still beats a file.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from odp_dlt.errors import ConfigError, MissingSetting
from odp_dlt.settings.convert import convert, spelled


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


SHORTEST_SECRET = 4  # shorter ones are in half of all words

MISSING: Final = _Missing()
"""No value, where None is one."""


@dataclass(frozen=True)
class SettingsFile:
    """One TOML file, read when first asked for; a file that is not there holds nothing."""

    path: Path

    @cached_property
    def content(self) -> Mapping[str, Any]:
        """The file's tables. ConfigError if it is there and cannot be read as TOML."""
        try:
            return tomllib.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as e:
            reason = e.reason if isinstance(e, UnicodeDecodeError) else e
            raise ConfigError(f"cannot be read as TOML: {reason}", at=self.path) from e

    def find(self, path: Sequence[str]) -> Any:
        """The value at a path such as ("sources", "github", "token"), or MISSING."""
        return _at(self.content, path)

    def spell(self, path: Sequence[str]) -> str:
        """How a person writes `path` in such a file."""
        return ".".join(path)


@dataclass(frozen=True)
class Environment:
    """The environment as a place to look in; names are upper case, their parts joined by `__`."""

    variables: Mapping[str, str] = field(repr=False)

    def find(self, path: Sequence[str]) -> Any:
        """The text of the variable for `path`, or MISSING."""
        return self.variables.get(self.spell(path), MISSING)

    def spell(self, path: Sequence[str]) -> str:
        """How the variable for `path` is called."""
        return "__".join(path).upper()


@dataclass(frozen=True)
class Assigned:
    """Values that the program itself assigned, in tables as in a file; changed in place."""

    content: dict[str, Any] = field(default_factory=dict, repr=False)

    def assign(self, name: str, value: Any) -> None:
        """Set the value at a dotted name. ConfigError if a part of the name is a value already."""
        *tables, key = name.split(".")
        content = self.content
        for table in tables:
            content = content.setdefault(table, {})
            if not isinstance(content, dict):
                raise ConfigError(f"'{name}' cannot be set: '{table}' in it has a value of its own")
        content[key] = value

    def find(self, path: Sequence[str]) -> Any:
        """The value at a path, or MISSING."""
        return _at(self.content, path)

    def spell(self, path: Sequence[str]) -> str:
        """How a program writes `path`."""
        return ".".join(path)


@dataclass(frozen=True)
class Memory:
    """What a program assigned to `dlt.secrets` and to `dlt.config`; each beats its file.

    `told` are the secrets that were handed out, so that they can be struck out of messages.
    """

    secrets: Assigned = field(default_factory=Assigned)
    config: Assigned = field(default_factory=Assigned)
    told: set[str] = field(default_factory=set, repr=False)


Place = Environment | Assigned | SettingsFile


@dataclass(frozen=True)
class Settings:
    """The settings that one project, and perhaps the source's own folder in it, offers.

    `folders` hold a `.dlt/` each and are asked in their order. Nothing is read before `resolve`.
    """

    folders: tuple[Path, ...]
    environ: Mapping[str, str] = field(repr=False)
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)

    @classmethod
    def from_folder(cls, folder: Path, environ: Mapping[str, str] | None = None) -> "Settings":
        """The settings of `<folder>/.dlt/`; `environ` is the process's own unless given."""
        return cls((Path(folder),), os.environ if environ is None else environ)

    def with_folder(self, folder: Path) -> "Settings":
        """These settings, but the files of `folder` are looked at before the present ones."""
        return replace(self, folders=(Path(folder), *(f for f in self.folders if f != folder)))

    @cached_property
    def secrets_files(self) -> tuple[SettingsFile, ...]:
        """The secrets.toml of every folder, whether it is there or not."""
        return tuple(SettingsFile(folder / ".dlt" / "secrets.toml") for folder in self.folders)

    @cached_property
    def config_files(self) -> tuple[SettingsFile, ...]:
        """The config.toml of every folder, whether it is there or not."""
        return tuple(SettingsFile(folder / ".dlt" / "config.toml") for folder in self.folders)

    def resolve(
        self,
        key: str,
        *,
        sections: Sequence[str],
        hint: Any,
        secret: bool,
        pipeline: str | None = None,
        default: Any = MISSING,
    ) -> Any:
        """The value of `key` as the type `hint`, from the first place and name that has one.

        `key` may hold dots (`credentials.host`). Secrets are not looked for in config.toml. Without
        a value the default; without a default MissingSetting, which lists what was tried.
        """
        for place, path in self._tries(key, sections, secret, pipeline):
            value = place.find(path)
            if value is MISSING:
                continue
            if isinstance(value, str) and (secret or place in self.secrets_files):
                self.memory.told.add(value)
            try:
                return convert(value, hint)
            except (ValueError, TypeError) as e:
                shown = "its value" if secret or place not in self.config_files else repr(value)
                raise ConfigError(
                    f"{place.spell(path)}: {shown} is not {spelled(hint)}", at=_named(place)
                ) from e
        if default is not MISSING:
            return default
        raise self._missing(key, list(self._tries(key, sections, secret, pipeline)), secret)

    def without_secrets(self, text: str) -> str:
        """`text` with every secret that was handed out struck out; those under 4 letters stay."""
        for secret in sorted(self.memory.told, key=len, reverse=True):
            if len(secret) >= SHORTEST_SECRET:
                text = text.replace(secret, "***")
        return text

    def _tries(
        self, key: str, sections: Sequence[str], secret: bool, pipeline: str | None
    ) -> Iterator[tuple[Place, list[str]]]:
        places: list[Place] = [Environment(self.environ)]
        places += [self.memory.secrets] if self.memory.secrets.content else []
        places += self.secrets_files
        if not secret:
            places += [self.memory.config] if self.memory.config.content else []
            places += self.config_files
        for prefix in [[pipeline]] if pipeline else []:
            yield from _by_place(places, [prefix + path for path in _paths(key, sections)])
        yield from _by_place(places, _paths(key, sections))

    def _missing(
        self, key: str, tries: Sequence[tuple[Place, list[str]]], secret: bool
    ) -> MissingSetting:
        looked = [f"{_named(place)}: {place.spell(path)}" for place, path in tries]
        files = [*self.secrets_files, *([] if secret else self.config_files)]
        state = [f"{f.path} ({'read' if f.path.is_file() else 'not there'})" for f in files]
        lines = ["looked for, in this order:", *looked, "files:", *state]
        what = "secret" if secret else "config value"
        return MissingSetting(f"no {what} '{key}' was found", hint="\n    ".join(lines))


def _by_place(
    places: Sequence[Place], paths: Sequence[list[str]]
) -> Iterator[tuple[Place, list[str]]]:
    for place in places:
        for path in paths:
            yield place, path


def _paths(key: str, sections: Sequence[str]) -> list[list[str]]:
    """Section paths from all of `sections` to none, the key after each.

    Of three (`sources`, module, name) the name alone, without the module, comes after the module.
    """
    nested = [list(sections[:length]) for length in range(len(sections), -1, -1)]
    if len(sections) == 3:
        kind, module, name = sections
        if module != name:
            nested.insert(2, [kind, name])
    return [[*path, *key.split(".")] for path in nested]


def _named(place: Place) -> str:
    if isinstance(place, SettingsFile):
        return str(place.path)
    return "environment" if isinstance(place, Environment) else "assigned in the program"


def _at(content: Any, path: Sequence[str]) -> Any:
    value = content
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            return MISSING
        value = value[part]
    return value
