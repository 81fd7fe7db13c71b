"""`odp version`: what is installed."""

import platform
from importlib.metadata import PackageNotFoundError, version

import click

import odp_dlt

SHOWN = ("dagster", "duckdb", "pyarrow", "pydantic")


@click.command("version")
def command() -> None:
    """Show the version of odp and of what it runs on."""
    click.echo(f"odp {odp_dlt.__version__}")
    click.echo(f"python {platform.python_version()}")
    for package in SHOWN:
        try:
            click.echo(f"{package} {version(package)}")
        except PackageNotFoundError:
            click.echo(f"{package} is not installed")
