"""What commands write: results to stdout, everything else to stderr."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.status import Status

output_option = click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the result is written to stdout.",
)


def results() -> Console:
    """The console of what a command gives: so wide that no name in it is ever cut."""
    return Console(highlight=False, width=1000)


def write_json(value: Any) -> None:
    """One JSON document to stdout; what JSON does not know is written as text."""
    click.echo(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def short(path: Path) -> Path:
    """`path` as seen from the working directory, if it lies below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


@dataclass(frozen=True)
class Working:
    """What is shown on stderr while something goes on."""

    console: Console
    status: Status | None

    def now(self, line: str) -> None:
        """What goes on now: beside the spinner, or as a line where there is no terminal."""
        if self.status is not None:
            self.status.update(escape(line))
        else:
            self.console.print(escape(line))

    def keep(self, markup: str) -> None:
        """A line that stays."""
        self.console.print(markup)


@contextmanager
def working(what: str) -> Iterator[Working]:
    """Shows that `what` goes on, until the `with` is left. What user code prints goes to stderr."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    with redirect_stdout(sys.stderr):
        if not console.is_terminal:
            yield Working(console, None)
            return
        with console.status(escape(what)) as status:
            yield Working(console, status)
