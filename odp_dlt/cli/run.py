"""`odp run`: materialize assets of the project in this process."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape
from rich.table import Table

from odp_dlt.cli import terminal
from odp_dlt.cli.project import Project

if TYPE_CHECKING:
    from odp_dlt.definitions.events import Checked, Event, Finished

_PARTITION_OPTIONS = ("partition", "partition_range", "add_partition")
_MARKS = {"done": "[green]✓[/]", "failed": "[red]✗[/]", "skipped": "[yellow]-[/]"}


def _show(working: terminal.Working, event: "Event") -> None:
    """A line that stays for each end, and in between what goes on now."""
    from odp_dlt.definitions.events import Finished, Said

    if isinstance(event, Said) and event.is_warning:
        working.keep(f"[yellow]![/] {escape(f'{event.asset_key}: {event.text}')}")
    elif isinstance(event, Said):
        working.now(f"{event.asset_key}: {event.text}")
    elif isinstance(event, Finished):
        working.keep(f"{_MARKS[event.status]} {escape(f'{event.asset_key}: {_in_short(event)}')}")
        for check in event.checks:
            if not check.passed:
                mark = "[red]✗[/]" if check.failed else "[yellow]![/]"
                working.keep(f"  {mark} {escape(_of_check(check))}")
    else:
        partition = f" [{event.partition}]" if event.partition else ""
        working.now(f"{event.asset_key}{partition}: starts")


def _of_check(check: "Checked") -> str:
    said = f": {check.description}" if check.description else ""
    return f"check {check.name} of {check.asset_key}{said}"


def _in_short(end: "Finished") -> str:
    if end.problem:
        return f"failed after {end.seconds:.1f} s"
    if end.reason:
        return f"skipped, because {end.reason}"
    rows = sum(one.rows or 0 for one in end.made)
    passed = sum(check.passed for check in end.checks)
    of_checks = f", {passed} of {len(end.checks)} checks passed" if end.checks else ""
    return f"{rows:,} row{'' if rows == 1 else 's'} in {end.seconds:.1f} s{of_checks}"


@click.command("run")
@click.argument("selection", required=False)
@click.option("--select", "selected", metavar="SELECTION", help="The same, as an option.")
@click.option("--partition", metavar="KEY", help="Default: the latest complete partition.")
@click.option(
    "--partition-range",
    metavar="FIRST...LAST",
    help="All partitions from the one to the other, one after another in one run.",
)
@click.option("--add-partition", is_flag=True, help="Add the KEY of dynamic partitions first.")
@click.option(
    "--refresh",
    type=click.Choice(["none", "state", "data", "table"]),
    help="What dlt assets forget before they load: cursors, all rows too, or the tables.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    metavar="ROWS",
    help="Load at most so many rows of each dlt asset; no cursor moves.",
)
@terminal.output_option
@click.pass_obj
@click.pass_context
def command(
    ctx: click.Context,
    project: Project,
    /,
    selection: str | None,
    selected: str | None,
    output: str,
    **options: Any,
) -> None:
    """Materialize assets, all or a Dagster asset SELECTION, in this process.

    A SELECTION is for instance: github/api/pulls, 'key:"github/api/pulls"+', group:marts.
    Exits with 1 when an asset failed or a check whose severity is error did not pass, with 2 when
    what you wrote is wrong.
    """
    if selection and selected:
        raise click.UsageError("Give the selection once: as the argument or as --select.")
    config_dir, root = project.found(), project.root
    from odp_dlt.definitions import build_definitions
    from odp_dlt.definitions.chosen import Wanted
    from odp_dlt.definitions.run import dagster_home, exit_code, run_assets

    with terminal.working("Reading the project …") as working:
        finished = run_assets(
            build_definitions(config_dir),
            dagster_home(root),
            partial(_show, working),
            selection=selection or selected,
            wanted=Wanted(*(options.pop(name) for name in _PARTITION_OPTIONS)),
            launch={name: value for name, value in options.items() if value is not None},
        )
    if output == "json":
        terminal.write_json([_as_json(end) for end in finished])
    else:
        terminal.results().print(_table(finished))
    _tell(finished, project.verbose)
    ctx.exit(exit_code(finished))


def _as_json(end: "Finished") -> dict[str, object]:
    found = asdict(end)
    if found["problem"]:
        del found["problem"]["trace"]
    return found


def _table(finished: Sequence["Finished"]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("asset", "partition", "destination_table_id"):
        table.add_column(name)
    for name in ("rows", "seconds"):
        table.add_column(name, justify="right")
    for end in finished:
        made = {one.asset_key: one for one in end.made}
        if not made or end.status != "done":
            word = "nothing to load" if end.status == "done" else end.status
            table.add_row(end.asset_key, end.partition, word, "", f"{end.seconds:.1f}")
        for number, one in enumerate(made.values()):
            first = number == 0 and end.status == "done"  # the seconds are those of all its tables
            table.add_row(
                one.asset_key,
                end.partition,
                one.destination_table_id,
                None if one.rows is None else f"{one.rows:,}",
                f"{end.seconds:.1f}" if first else None,
            )
    return table


def _tell(finished: Sequence["Finished"], verbose: bool) -> None:
    """Why something did not run, and which checks did not pass, on stderr."""
    for end in finished:
        for check in end.checks:
            if check.failed:
                mark = click.style("Check failed: ", fg="red", bold=True)
                click.echo(f"{mark}{check.asset_key} {check.name}\n  {check.description}", err=True)
        if end.problem:
            mark = click.style("Failed: ", fg="red", bold=True)
            click.echo(f"{mark}{end.asset_key}\n  {end.problem.message}", err=True)
            if verbose:
                click.echo(end.problem.trace, err=True)
