"""`odp schema`: the schema files, from which the tables are known before any run."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.tree import Tree

from odp_dlt.cli import terminal
from odp_dlt.cli.project import Project
from odp_dlt.schema.model import Column, Schema, Table

if TYPE_CHECKING:
    from odp_dlt.destinations.changes import Change

ROWS = 1000
DIFFERS = 3  # the exit code of `odp schema diff --exit-code`


@dataclass(frozen=True)
class Difference:
    """What the data has that the schema file had not; `retyped` columns stay as they were."""

    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()


@click.group("schema")
def command() -> None:
    """Write and show schema files, and what a load would change."""


_limit = click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=ROWS,
    show_default=True,
    help="How many rows of the source to look at.",
)
_partition = click.option(
    "--partition", metavar="KEY", help="Default: the latest complete partition."
)


@command.command("export")
@click.argument("asset_key")
@_limit
@_partition
@terminal.output_option
@click.pass_obj
def export(
    project: Project, asset_key: str, limit: int, partition: str | None, output: str
) -> None:
    """Run the source of ASSET_KEY and write its schema file; loads nothing.

    An existing file gets the tables and columns that it lacks. Nothing in it is removed.
    """
    config_dir = project.found()
    from odp_dlt.definitions.discover import dlt_asset
    from odp_dlt.schema.stored import bump, write_schema_file

    asset = dlt_asset(config_dir, asset_key, partition)
    before = _stored(asset.schema_file)
    with terminal.working(f"Running the source of {asset_key}") as working:
        found = asset.discover(limit, working.now)
    changed = write_schema_file(bump(merged(before, found)), asset.schema_file)
    _report(asset_key, asset.schema_file, changed, difference(before, found), output)


@command.command("diff")
@click.argument("asset_key")
@_limit
@_partition
@click.option(
    "--exit-code",
    "tells",
    is_flag=True,
    help=f"Exit with {DIFFERS} if a load would change a table.",
)
@terminal.output_option
@click.pass_obj
@click.pass_context
def diff(
    ctx: click.Context,
    project: Project,
    asset_key: str,
    limit: int,
    partition: str | None,
    tells: bool,
    output: str,
) -> None:
    """Run the source of ASSET_KEY and show what a load would change in the destination's tables.

    Loads nothing. stdout has the statements that make and alter tables, as the destination spells
    them; stderr what the schema file lacks. Tables of the engine itself are not shown.
    """
    config_dir = project.found()
    from odp_dlt.definitions.discover import dlt_asset

    asset = dlt_asset(config_dir, asset_key, partition)
    with terminal.working(f"Running the source of {asset_key}") as working:
        found = asset.discover(limit, working.now)
        changes = asset.changes(found)
    _tell_changes(asset_key, changes, difference(_stored(asset.schema_file), found), output)
    ctx.exit(DIFFERS if tells and changes else 0)


@command.command("show")
@click.argument("asset_key")
@terminal.output_option
@click.pass_obj
def show(project: Project, asset_key: str, output: str) -> None:
    """Show the tables that ASSET_KEY becomes, as its schema file says."""
    config_dir = project.found()
    from odp_dlt.definitions.discover import dlt_asset
    from odp_dlt.schema.stored import read_schema_file

    asset = dlt_asset(config_dir, asset_key)
    schema = read_schema_file(asset.schema_file, hint=f"Write it: odp schema export {asset_key}")
    tables = schema.tables_of(asset.resource)
    if output == "json":
        terminal.write_json([_table_as_json(table) for table in tables])
        return
    for table in tables:
        if table.parent is None:
            terminal.results().print(_tree(schema, table))


def merged(before: Schema | None, found: Schema) -> Schema:
    """`before` with the tables and columns of `found` that it lacks; what a person wrote stays."""
    if before is None:
        return found
    known = before.tables
    return before.with_tables(
        [_merged(known[t.name], t) if t.name in known else t for t in found.data_tables()]
    )


def _merged(old: Table, new: Table) -> Table:
    fresh = [c for c in new.columns.values() if _is_new(old, c)]
    hints = [
        replace(old.columns[c.name], hints={**old.columns[c.name].hints, **c.hints})
        for c in new.columns.values()
        if not _is_new(old, c)
    ]
    return replace(
        old.with_columns([*hints, *fresh]),
        write_disposition=new.write_disposition or old.write_disposition,
        seen_data=old.seen_data or new.seen_data,
        hints={**old.hints, **new.hints},
    )


def _is_new(table: Table, column: Column) -> bool:
    known = table.columns.get(column.name)
    return known is None or (known.data_type is None and column.data_type is not None)


def difference(before: Schema | None, found: Schema) -> Difference:
    """What is in `found` and not in `before`, dlt's own tables aside."""
    tables = found.data_tables()
    known = before.tables if before else {}
    old = [table for table in tables if table.name in known]
    return Difference(
        tuple(table.name for table in tables if table.name not in known),
        tuple(
            f"{table.name}.{column.name}"
            for table in old
            for column in table.typed_columns().values()
            if _is_new(known[table.name], column)
        ),
        tuple(line for table in old for line in _retyped(known[table.name], table)),
    )


def _retyped(old: Table, new: Table) -> Iterator[str]:
    for column in new.typed_columns().values():
        known = old.columns.get(column.name)
        if known and known.data_type and known.data_type != column.data_type:
            name = f"{new.name}.{column.name}"
            yield f"{name} is {known.data_type} in the file and {column.data_type} in the data"


def _stored(file: Path) -> Schema | None:
    """What the file says; None if it is not there, or empty."""
    from odp_dlt.schema.stored import read_schema_file

    if not file.exists() or not file.read_bytes().strip():
        return None
    return read_schema_file(file)


def _report(asset_key: str, file: Path, changed: bool, new: Difference, output: str) -> None:
    if output == "json":
        terminal.write_json({"file": str(file), "changed": changed, **asdict(new)})
        return
    click.echo(f"{'Written' if changed else 'Already up to date'}: {terminal.short(file)}")
    for table in new.tables:
        click.echo(f"  new table {table}")
    for column in new.columns:
        click.echo(f"  new column {column}")
    for line in new.retyped:
        click.echo(f"  {line}; the file is kept", err=True)
    if changed:
        click.echo(f"Look at it, commit it, then: odp run {asset_key}", err=True)


def _tell_changes(
    asset_key: str, changes: Sequence["Change"], new: Difference, output: str
) -> None:
    if output == "json":
        found = [asdict(change) for change in changes]
        terminal.write_json(
            {"asset_key": asset_key, "changes": found, "schema_file_lacks": asdict(new)}
        )
        return
    for change in changes:
        if change.refused:
            click.echo(f"-- The load would fail: {change.refused}.")
        for statement in change.sql:
            click.echo(f"{statement};")
    if not changes:
        click.echo("-- A load would change no table.")
    lacks = [*(f"table {name}" for name in new.tables), *(f"column {c}" for c in new.columns)]
    if lacks:
        click.echo(f"The schema file lacks {', '.join(lacks)}.", err=True)
        click.echo(f"Accept it: odp schema export {asset_key}", err=True)
    for line in new.retyped:
        click.echo(f"{line}.", err=True)


def _table_as_json(table: Table) -> dict[str, object]:
    return {
        "table": table.name,
        "parent": table.parent,
        "write_disposition": table.write_disposition,
        "columns": [
            {"name": c.name, "data_type": c.data_type, "nullable": c.is_nullable}
            for c in table.typed_columns().values()
        ],
    }


def _tree(schema: Schema, table: Table) -> Tree:
    tree = Tree(f"[bold]{table.name}[/]")
    for column in table.typed_columns().values():
        tree.add(
            f"{column.name} [dim]{column.data_type}{'' if column.is_nullable else ' not null'}[/]"
        )
    for child in schema.data_tables():
        if child.parent == table.name:
            tree.add(_tree(schema, child))
    return tree
