"""A plain script of the user's, run with `import dlt` reaching what is here."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from odp_dlt.errors import ConfigError
from odp_dlt.tasks.user_code import user_code


def run_script(file: Path, arguments: tuple[str, ...] = ()) -> None:
    """Execute `file` as the main module, as `python <file> <arguments>` would.

    In it, and in the modules beside it, `import dlt` means `odp_dlt.dlt`, whether dlt is installed
    or not; everywhere else it does not. Raises what the script raises, SystemExit included;
    ConfigError if there is no such file.
    """
    file = file.resolve()
    if not file.is_file():
        raise ConfigError("there is no such script", at=file)
    module = ModuleType("__main__")
    names = vars(module)
    names["__file__"] = str(file)
    names["__builtins__"] = user_code(file.parent).builtins
    code = compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
    with _main(module, [str(file), *arguments]):
        exec(code, names)


@contextmanager
def _main(module: ModuleType, argv: list[str]) -> Iterator[None]:
    """`module` as the process's main module: settings and names of pipelines go by its file."""
    before = sys.modules["__main__"], sys.argv
    sys.modules["__main__"], sys.argv = module, argv
    try:
        yield
    finally:
        sys.modules["__main__"], sys.argv = before
