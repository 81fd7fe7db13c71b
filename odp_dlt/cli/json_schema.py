"""`odp json-schema`: what editors need to complete and check the YAML files."""

import json
from pathlib import Path

import click

from odp_dlt.cli import terminal
from odp_dlt.cli.project import Project

FOLDER = ".schema"


@click.command("json-schema")
@click.option("--write", is_flag=True, help=f"Write both to {FOLDER} in the configuration folder.")
@click.pass_obj
def command(project: Project, write: bool) -> None:
    """Print the JSON Schemas of the workflow files and of dagster_config, made of the models.

    With --write they become files, and the line is shown that an editor wants in each YAML file.
    Write them again after an upgrade, or when another package brings kinds of its own.
    """
    from odp_dlt.definitions.editor_schema import CONFIG, WORKFLOW, editor_schemas

    schemas = editor_schemas()
    if not write:
        click.echo(json.dumps(schemas, indent=2))
        return
    folder = project.found() / FOLDER
    folder.mkdir(exist_ok=True)
    for name, schema in schemas.items():
        (folder / name).write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")
    click.echo(f"Written to {terminal.short(folder)}. The first line of each file tells editors:")
    click.echo(f"  dagster_config.yaml     {_line(Path(FOLDER, CONFIG))}")
    click.echo(f"  workflows/*.yaml        {_line(Path('..', FOLDER, WORKFLOW))}")


def _line(path: Path) -> str:
    return f"# yaml-language-server: $schema={path.as_posix()}"
