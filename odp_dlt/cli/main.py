"""`odp`, the command line: one file of this folder is one command or one group of commands.

A module of the folder that holds a click command named `command` is a command by the module's
name, with `-` for `_`; to add one, add a file. Exit codes: 0 done, 1 something failed while
running, 2 what the user wrote is wrong, 130 interrupted. Results go to stdout, all else to stderr.
"""

import importlib
import logging
import pkgutil
import traceback
from pathlib import Path
from typing import Any

import click

import odp_dlt
from odp_dlt import cli as home
from odp_dlt.cli.project import Project
from odp_dlt.errors import OdpError

INTERRUPTED = 130


class Commands(click.Group):
    """The modules of this folder, as commands; and what is said when one of them fails."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = (info.name.replace("_", "-") for info in pkgutil.iter_modules(home.__path__))
        return sorted(name for name in names if self.get_command(ctx, name) is not None)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        known = {info.name for info in pkgutil.iter_modules(home.__path__)}
        name = cmd_name.replace("-", "_")
        if name not in known:
            return None
        module = importlib.import_module(f"{home.__name__}.{name}")
        found = getattr(module, "command", None)
        return found if isinstance(found, click.Command) else None

    def invoke(self, ctx: click.Context) -> Any:
        """The command's outcome; its errors become a message on stderr and an exit code."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)
        except OdpError as e:
            _explain(ctx, click.style("Error: ", fg="red", bold=True) + str(e))
            ctx.exit(e.exit_code)
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as e:  # noqa: BLE001 - the last place that can say it in one line
            what = " ".join(str(e).split()) or "no message"
            _explain(ctx, f"Unexpected {type(e).__name__}: {what}", more=True)
            ctx.exit(1)


def _explain(ctx: click.Context, message: str, *, more: bool = False) -> None:
    click.echo(message, err=True)
    if ctx.params.get("verbose"):
        click.echo(traceback.format_exc(), err=True)
    elif more:
        click.echo("  Run it again as `odp -v …` to see where it comes from.", err=True)


@click.command("odp", cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config-dir",
    envvar="ODP_CONFIG_PATH",
    type=click.Path(path_type=Path),
    default=Path("odp_config"),
    help="The configuration folder (default: $ODP_CONFIG_PATH, or ./odp_config).",
)
@click.option("-v", "--verbose", is_flag=True, help="Show the log and the stack of an error.")
@click.version_option(odp_dlt.__version__, prog_name="odp", message="%(prog)s %(version)s")
@click.pass_context
def odp(ctx: click.Context, config_dir: Path, verbose: bool) -> None:
    """Nested data into tables and Dagster assets, from a few lines of YAML."""
    if verbose:
        logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", force=True)
        logging.getLogger("odp_dlt").setLevel(logging.DEBUG)
    ctx.obj = Project(config_dir, verbose)


def main() -> None:
    """The entry point of the `odp` program."""
    odp.main(prog_name="odp")


if __name__ == "__main__":
    main()
