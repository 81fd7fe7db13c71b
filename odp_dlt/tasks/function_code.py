"""`function: reports.weekly.build` → that function, of the project's own files or installed.

Where it is and what it takes is read from its text alone; only a run imports it.
"""

import ast
import importlib
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.tasks.source_module import functions, module_file, must_bind, parsed
from odp_dlt.tasks.user_code import user_code

CONTEXT = "context"
"""The name of an argument that gets what a task knows of its run."""


@dataclass(frozen=True)
class FunctionCode:
    """Where a function is. `project_dir` is None for one that is installed.

    `file` is None for one that is not written in Python, `node` if the text does not show it.
    """

    name: str
    project_dir: Path | None
    file: Path | None = None
    node: ast.FunctionDef | ast.AsyncFunctionDef | None = None

    def load(self) -> Callable[..., Any]:
        """Import the module; ConfigError if what has the name cannot be called."""
        module_name, _, function = self.name.rpartition(".")
        if self.project_dir is None:
            module = importlib.import_module(module_name)
        else:
            module = user_code(self.project_dir).load(module_name)
        found = getattr(module, function, None)
        if not callable(found):
            raise ConfigError(f"'{self.name}' is no function", at=self.file)
        return found  # type: ignore[no-any-return] # callable() says no more of it

    def misfit(self, given: Iterable[str]) -> tuple[str, str] | None:
        """An argument that the function does not take, or misses, with what is wrong; or None."""
        if self.node is None or self.node.decorator_list:  # a decorator may change what it takes
            return None
        spec, names = self.node.args, set(given)
        plain = [one.arg for one in (*spec.args, *spec.kwonlyargs)]
        for name in sorted(names - set(plain)):
            if spec.kwarg is None:
                own = [one for one in plain if one != CONTEXT]
                return name, f"the function takes no '{name}'. {nearest(name, own)}"
        positional = spec.args[: len(spec.args) - len(spec.defaults)]
        by_name = zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
        required = [*positional, *(one for one, default in by_name if default is None)]
        for one in required:
            if one.arg not in names | {CONTEXT}:
                return one.arg, f"the function needs '{one.arg}'"
        return None


def locate_function(project_dir: Path | None, name: str) -> FunctionCode:
    """Where the function `name`, dotted, is: in the project, else among what is installed.

    ConfigError if there is no such module, or its text plainly lacks the function.
    """
    module, _, function = name.rpartition(".")
    if not module:
        raise ConfigError(f"'{name}' is no function of a module", hint=f"Write MODULE.{name}.")
    file = None if project_dir is None else module_file(project_dir, module)
    if file is not None:
        return _described(FunctionCode(name, project_dir, file), function)
    spec = _spec(module)
    if spec is None:
        where = "" if project_dir is None else f" in '{project_dir}'"
        raise ConfigError(
            f"there is no module '{module}'{where}, and none is installed",
            hint="A module of the project counts from `project_dir` of the `dlt` resource.",
        )
    if spec.origin is None or not spec.origin.endswith(".py"):
        return FunctionCode(name, None)
    return _described(FunctionCode(name, None, Path(spec.origin)), function)


def _described(code: FunctionCode, function: str) -> FunctionCode:
    assert code.file is not None
    tree = parsed(code.file, "module")
    must_bind(tree, function, code.file, "module")
    node = next((one for one in functions(tree) if one.name == function), None)
    return FunctionCode(code.name, code.project_dir, code.file, node)


def _spec(module: str) -> ModuleSpec | None:
    """Where an installed module is. Unlike `importlib.util.find_spec`, imports no package."""
    path, spec = None, None
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        if end > 1 and path is None:
            return None
        name = ".".join(parts[:end])
        found = (finder.find_spec(name, path, None) for finder in sys.meta_path)
        spec = next((one for one in found if one is not None), None)
        if spec is None:
            return None
        path = spec.submodule_search_locations
    return spec
