"""`source_module: github.source` → the one `@dlt.source` in `github/source.py` of the project.

Where the code is, is read from its text alone; only a run executes it.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from odp_dlt.errors import ConfigError
from odp_dlt.extract.decorators import SourceFactory
from odp_dlt.extract.failure import user_code as blamed
from odp_dlt.registry import nearest
from odp_dlt.tasks.signature import SourceParam, params_of
from odp_dlt.tasks.user_code import user_code


@dataclass(frozen=True)
class SourceCode:
    """Where the code of a source is: `module` dotted from `project_dir`, a `function` if named.

    `line` is that of the function and `params` are its parameters, as far as the text shows them; 1
    and none otherwise.
    """

    project_dir: Path
    module: str
    file: Path
    function: str | None
    line: int
    params: tuple[SourceParam, ...] = ()

    def factory(self) -> SourceFactory:
        """Execute the module; the source named, or the one that it has.

        ConfigError if there is no such source or no single one; SourceError if the module raises.
        """
        with blamed(lambda: f"the source module '{self.module}'", None):
            module = user_code(self.project_dir).load(self.module)
        found = {n: v for n, v in vars(module).items() if isinstance(v, SourceFactory)}
        if self.function is not None:
            return self._named(found, self.function)
        own = {n: v for n, v in found.items() if v.__module__ == module.__name__} or found
        if len(own) != 1:
            raise _not_one(sorted(own), self.file, self.module)
        return next(iter(own.values()))

    def _named(self, found: dict[str, SourceFactory], function: str) -> SourceFactory:
        if function not in found:
            raise ConfigError(
                f"'{function}' is not a source", at=self.file, hint=nearest(function, found)
            )
        return found[function]


def locate(project_dir: Path, name: str) -> SourceCode:
    """Where the source `name` is: `package.module`, or `package.module.function`.

    Raises ConfigError if the file is not there, cannot be parsed, or plainly lacks the source.
    """
    file, module, function = source_file(project_dir, name)
    tree = parsed(file, "source module")
    sources = [node for node in functions(tree) if _is_source(node)]
    if function is not None:
        must_bind(tree, function, file, "source module")
        sources = [node for node in functions(tree) if node.name == function][:1]
    if len(sources) > 1:
        raise _not_one([node.name for node in sources], file, module)
    line = sources[0].lineno if sources else 1
    params = tuple(params_of(sources[0])) if sources else ()
    return SourceCode(project_dir, module, file, function, line, params)


def source_file(project_dir: Path, name: str) -> tuple[Path, str, str | None]:
    """The file of the source `name`, its module, and the function if it is named.

    ConfigError if there is no such file.
    """
    module, function = name, None
    file = module_file(project_dir, module)
    if file is None and "." in name:
        module, _, function = name.rpartition(".")
        file = module_file(project_dir, module)
    if file is None:
        raise _missing(project_dir, name)
    return file, module, function


def module_file(project_dir: Path, module: str) -> Path | None:
    """The file of a module, dotted from `project_dir`; None if there is none."""
    path = project_dir.joinpath(*module.split("."))
    files = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def _missing(project_dir: Path, name: str) -> ConfigError:
    if not project_dir.is_dir():
        return ConfigError(
            f"the project folder '{project_dir}' does not exist",
            hint="It is `project_dir` of the `dlt` resource in dagster_config.yaml.",
        )
    files = (file.relative_to(project_dir) for file in project_dir.rglob("*.py"))
    there = [
        ".".join(file.with_suffix("").parts)
        for file in files
        if file.name != "__init__.py" and not any(p.startswith(".") for p in file.parts)
    ]
    expected = project_dir.joinpath(*name.split(".")).with_suffix(".py")
    return ConfigError(
        f"there is no source module '{name}': no file '{expected}'", hint=nearest(name, there)
    )


def parsed(file: Path, what: str) -> ast.Module:
    """The syntax of a Python file; ConfigError, which calls it `what`, if it has none."""
    try:
        return ast.parse(file.read_bytes(), filename=str(file))
    except SyntaxError as e:
        raise ConfigError(
            f"the {what} is not valid Python: {e.msg}", at=f"{file}:{e.lineno}:{e.offset}"
        ) from e


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions at the top of a module."""
    return (n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def _is_source(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the text shows a decorator `@source`, `@dlt.source` or a call of either."""
    named = (d.func if isinstance(d, ast.Call) else d for d in node.decorator_list)
    return any(ast.unparse(d).rpartition(".")[2] == "source" for d in named)


def must_bind(tree: ast.Module, function: str, file: Path, what: str) -> None:
    """ConfigError if nothing in the module's text can make the name `function`."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    if function in names or "*" in names:
        return
    known = [node.name for node in functions(tree)]
    raise ConfigError(
        f"there is no function '{function}' in the {what}",
        at=file,
        hint=nearest(function, known),
    )


def _not_one(names: list[str], file: Path, module: str) -> ConfigError:
    if not names:
        return ConfigError(
            "the source module has no function decorated with @dlt.source",
            at=file,
            hint="Decorate the function that returns the resources.",
        )
    return ConfigError(
        f"the source module has {len(names)} sources: {', '.join(names)}",
        at=file,
        hint=f"Say which: `source_module: {module}.{names[0]}`.",
    )
