"""The parameters of a source's function, read from its text alone."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


@dataclass(frozen=True)
class SourceParam:
    """One parameter: `annotation` and `default` as written, None where there is none."""

    name: str
    annotation: str | None
    default: str | None

    @property
    def type(self) -> type:
        """The plain type that the annotation says, `object` for any other."""
        said = (self.annotation or "").replace("Optional[", "").replace("]", "")
        names = {part.strip() for part in said.split("|")} - {"None"}
        return _TYPES.get(names.pop(), object) if len(names) == 1 else object

    @property
    def is_secret(self) -> bool:
        """Whether the settings fill it in as a secret, so that it must not be in a run's config."""
        return "secrets" in (self.default or "") or "Secret" in (self.annotation or "")

    def __str__(self) -> str:
        said = self.name + (f": {self.annotation}" if self.annotation else "")
        return said if self.default is None else f"{said} = {self.default}"


def params_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[SourceParam]:
    """The parameters that can be given by name."""
    args = [*node.args.posonlyargs, *node.args.args]
    missing: list[ast.expr | None] = [None] * (len(args) - len(node.args.defaults))
    defaults = [*missing, *node.args.defaults]
    both = [*zip(args, defaults, strict=True)]
    both += zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    for arg, default in both:
        yield SourceParam(
            arg.arg,
            ast.unparse(arg.annotation) if arg.annotation else None,
            ast.unparse(default) if default else None,
        )
