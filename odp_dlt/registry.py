"""The one rule by which a name in YAML finds its code.

`destination: duckdb` is the class in `odp_dlt/destinations/duckdb.py`; a dotted name is a class of
the user's own. No list is kept anywhere: a new file is a new name.
"""

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Generic, TypeVar

from odp_dlt.errors import ConfigError

T = TypeVar("T")


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that leads from a mistyped `name` to the right one: the closest, then all."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    guess = f"Did you mean '{close[0]}'? " if close else ""
    return f"{guess}Known: {', '.join(names) or 'none'}."


@dataclass(frozen=True)
class Registry(Generic[T]):
    """Finds subclasses of `base` by name in the package `home`; `what` names the kind in errors."""

    what: str
    home: str
    base: type[T]

    def find(self, name: str, *, at: object = None) -> type[T]:
        """The class that `name` means. ConfigError if there is none or its driver is missing."""
        module_name, _, attribute = name.rpartition(".")
        if module_name:
            return self._own(module_name, attribute, at)
        if name.isidentifier() and not name.startswith("_"):
            found = self._in_home(name, at)
            if found is not None:
                return found
        raise ConfigError(
            f"no {self.what} is named '{name}'", at=at, hint=nearest(name, self.names())
        )

    def names(self) -> list[str]:
        """Every name that can be used, those whose driver is not installed included.

        Imports all modules of the home: for error messages and docs, not for the way to a run.
        """
        home = importlib.import_module(self.home)
        found = []
        for info in pkgutil.iter_modules(home.__path__):
            try:
                module = importlib.import_module(f"{self.home}.{info.name}")
            except ImportError:  # its driver is missing; the name is still one
                found.append(info.name)
                continue
            if _entry(module, self.base) is not None:
                found.append(info.name)
        return sorted(found)

    def _in_home(self, name: str, at: object) -> type[T] | None:
        full_name = f"{self.home}.{name}"
        try:
            module = importlib.import_module(full_name)
        except ModuleNotFoundError as e:
            if e.name == full_name:
                return None
            raise ConfigError(
                f"{self.what} '{name}' needs the package '{e.name}', which is not installed",
                at=at,
                hint=f"pip install 'odp-dlt[{name}]'",
            ) from e
        return _entry(module, self.base)

    def _own(self, module_name: str, attribute: str, at: object) -> type[T]:
        try:
            found = getattr(importlib.import_module(module_name), attribute)
        except (ImportError, AttributeError) as e:
            raise ConfigError(
                f"{self.what} '{module_name}.{attribute}' cannot be imported: {e}", at=at
            ) from e
        if not (inspect.isclass(found) and issubclass(found, self.base)):
            raise ConfigError(
                f"'{module_name}.{attribute}' is not a {self.what}",
                at=at,
                hint=f"It must derive from {self.base.__module__}.{self.base.__name__}.",
            )
        return found


def _entry(module: ModuleType, base: type[T]) -> type[T] | None:
    """The one class that `module` itself defines below `base`; without one it is no entry."""
    for value in vars(module).values():
        if not (inspect.isclass(value) and value.__module__ == module.__name__):
            continue
        if issubclass(value, base) and value is not base and not inspect.isabstract(value):
            return value
    return None
