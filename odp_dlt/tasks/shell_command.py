"""`task_type: shell_command`: a program, its output in the log line by line."""

import shlex
import time
from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator

from odp_dlt.settings import AnchoredPath
from odp_dlt.tasks.base import Context, Done, Planned, Site, Task
from odp_dlt.tasks.program import Program


def _text(value: object) -> object:
    """A number or a truth value of YAML as text."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_text)]


class ShellCommand(Task):
    """`command` is split as a shell would, but no shell runs it; or it is a list of arguments.

    `env_vars` are added to the environment. `working_dir` is the project's root unless given.
    """

    command: str | list[Text]
    env_vars: dict[str, Text] = Field(default_factory=dict)
    working_dir: AnchoredPath | None = None
    timeout_s: float | None = Field(default=None, gt=0)

    @field_validator("command")
    @classmethod
    def _can_be_split(cls, command: str | list[str]) -> str | list[str]:
        if not _arguments(command):
            raise ValueError("the command is empty")
        return command

    def assets(self, asset_key: str, site: Site) -> list[Planned]:
        """The one asset."""
        return [Planned(asset_key, kinds=frozenset({"shell"}))]

    def run(self, context: Context) -> Iterator[Done]:
        """Run the program to its end. SourceError if it fails, or takes more than `timeout_s`.

        Whatever ends the run ends the program too, with all that it has started.
        """
        begun = time.monotonic()
        folder = self.working_dir or context.site.root
        program = Program(_arguments(self.command), folder, self.env_vars, self.timeout_s)
        with program.started() as lines:
            for stream, line in lines:
                begin = "stderr: " if stream == "stderr" else ""
                context.log.info("%s%s", begin, program.shown(line))
        seconds = round(time.monotonic() - begun, 3)
        yield Done(context.asset_key, {"return_code": 0, "duration_s": seconds})


def _arguments(command: str | list[str]) -> list[str]:
    """The program and its arguments. ValueError if a quote is not closed."""
    return shlex.split(command) if isinstance(command, str) else list(command)
