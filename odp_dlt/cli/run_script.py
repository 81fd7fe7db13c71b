"""`odp run-script`: a plain script, in which `import dlt` means this package."""

import traceback
from pathlib import Path

import click

from odp_dlt.errors import OdpError


@click.command(
    "run-script",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(file: Path, arguments: tuple[str, ...]) -> None:
    """Run the Python script FILE with its ARGUMENTS.

    In the script and the modules beside it `import dlt` finds the engine of this package, whether
    or not dlt itself is installed.
    """
    from odp_dlt.tasks.script import run_script

    try:
        run_script(file, arguments)
    except OdpError:
        raise
    except Exception as e:
        trace = e.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename != str(file.resolve()):
            trace = trace.tb_next  # the script's author wants the script's own lines
        click.echo("".join(traceback.format_exception(type(e), e, trace)), err=True, nl=False)
        raise click.exceptions.Exit(1) from e
