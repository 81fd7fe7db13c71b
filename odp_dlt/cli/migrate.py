"""`odp migrate`: a configuration folder of dagster-odp becomes one of this package."""

from pathlib import Path

import click

from odp_dlt.cli import terminal
from odp_dlt.cli.project import Project

SUFFIXES = (".yaml", ".yml")


@click.command("migrate")
@click.option("--write", is_flag=True, help="Write the changed files; without it they are told.")
@terminal.output_option
@click.pass_obj
@click.pass_context
def command(ctx: click.Context, project: Project, /, write: bool, output: str) -> None:
    """Say what a configuration written for dagster-odp must change, and with --write change it.

    Comments and order stay. Keys that never had an effect become comments. Exits with 2 if
    something is left that you must decide; `odp validate` then checks the rest.
    """
    from odp_dlt.tasks.dlt import Dlt
    from odp_dlt.tasks.run_params import RunParams
    from odp_dlt.workflow.migration import Change, migrated

    folder = project.found()
    changes: list[Change] = []
    written: list[Path] = []
    for file in _workflow_files(folder):
        before = file.read_text(encoding="utf-8")
        after, found = migrated(
            before,
            file.relative_to(folder.parent),
            dlt_params=Dlt.model_fields,
            run_params=RunParams.model_fields,
        )
        changes += found
        if after != before:
            written.append(file.relative_to(folder.parent))
            if write:
                file.write_text(after, encoding="utf-8")
    by_hand = [change for change in changes if change.by_hand]
    if output == "json":
        terminal.write_json(
            {
                "files": [str(file) for file in written],
                "written": write,
                "changes": [
                    {"at": str(one.at), "said": one.said, "by_hand": one.by_hand} for one in changes
                ],
            }
        )
    else:
        for one in changes:
            click.echo(f"{one.at}: {'BY HAND: ' if one.by_hand else ''}{one.said}")
        click.echo(_in_short(len(changes) - len(by_hand), len(by_hand), write))
    ctx.exit(2 if by_hand else 0)


def _workflow_files(folder: Path) -> list[Path]:
    """Those that are ours: other tools, such as Soda, may keep YAML of their own in `folder`."""
    found = [*folder.glob("dagster_config.*"), *(folder / "workflows").rglob("*")]
    return sorted(one for one in found if one.suffix in SUFFIXES)


def _in_short(done: int, by_hand: int, write: bool) -> str:
    if not done and not by_hand:
        return "Nothing to change. Next: odp validate"
    how = "written" if write else "to write with `odp migrate --write`"
    rest = f", {by_hand} to decide by hand" if by_hand else ""
    return f"{done} change{'' if done == 1 else 's'} {how}{rest}. Then: odp validate"
