"""`odp validate`: everything that can be checked without running."""

from dataclasses import asdict

import click

from odp_dlt.cli import terminal
from odp_dlt.cli.project import Project
from odp_dlt.errors import ConfigError


@click.command("validate")
@terminal.output_option
@click.pass_obj
@click.pass_context
def command(ctx: click.Context, project: Project, output: str) -> None:
    """Check the project without running it: files, names, templates, schema files, jobs.

    Executes no source, reads no secret, opens no destination. Exits with 2 if something is wrong.
    """
    config_dir = project.found()
    from odp_dlt.definitions import build_definitions
    from odp_dlt.definitions.run import checked

    try:
        summary = checked(build_definitions(config_dir))
    except ConfigError as e:
        if output == "text":
            raise
        terminal.write_json({"valid": False, "problem": str(e)})
        ctx.exit(e.exit_code)
    if output == "json":
        terminal.write_json({"valid": True, **asdict(summary)})
        return
    counts = [
        _count(summary.workflow_assets, "workflow asset"),
        _count(summary.assets, "asset"),
        _count(summary.sources, "source outside", "sources outside"),
        _count(summary.partitioned, "partitioned asset"),
        _count(summary.jobs, "job"),
    ]
    click.echo(f"Valid: {terminal.short(config_dir)}: {', '.join(counts)}.")


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"
