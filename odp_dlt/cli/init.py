"""`odp init`: a new project that runs at once."""

import re
import shlex
from pathlib import Path

import click

from odp_dlt.errors import ConfigError

TEMPLATE = Path(__file__).parent / "template"


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=True))
@click.option("--name", help="The project's name (default: the name of DIR).")
def command(folder: Path, name: str | None) -> None:
    """Start a new project in DIR: a small source, its workflow, SQL on top, all of it runnable.

    Writes no file that is there already: if one is, nothing is written and all of them are named.
    """
    files = _files()
    name = _name(folder, name)
    _must_be_free(folder, list(files))
    texts = {
        target: source.read_text(encoding="utf-8").replace("__name__", name)
        for target, source in files.items()
    }
    for target, text in texts.items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    click.echo(f"{len(texts)} files written to {folder}. Next:", err=True)
    for line in (f"cd {shlex.quote(str(folder))}", "odp run", "dagster dev"):
        click.echo(f"  {line}")


def _files() -> dict[Path, Path]:
    """Where each file goes → the template's own, which spells a leading dot `dot-`."""
    return {
        Path(*(_dotted(part) for part in file.relative_to(TEMPLATE).parts)): file
        for file in sorted(TEMPLATE.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }


def _dotted(part: str) -> str:
    return f".{part.removeprefix('dot-')}" if part.startswith("dot-") else part


def _name(folder: Path, given: str | None) -> str:
    """The project's name, as pyproject.toml allows it (PEP 508). ConfigError if `given` is not."""
    if given is None:
        made = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-._")
        return made or "project"
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", given):
        raise ConfigError(
            f"'{given}' cannot be the name of a Python project",
            hint="Use letters, digits, '-', '_' and '.', beginning and ending with the first two.",
        )
    return given


def _must_be_free(folder: Path, targets: list[Path]) -> None:
    """ConfigError that names every file in the way of a file, or of a folder."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"'{folder}' is a file, not a folder", hint="Name a new folder.")
    taken = {target for target in targets if (folder / target).exists()}
    for target in targets:
        taken.update(
            p for p in target.parents if (folder / p).exists() and not (folder / p).is_dir()
        )
    if taken:
        names = "\n  ".join(sorted(str(path) for path in taken))
        raise ConfigError(
            f"nothing is written, because these files are there already:\n  {names}",
            at=folder,
            hint="Name a new folder, or move them away.",
        )
