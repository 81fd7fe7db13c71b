"""The reference pages name everything that there is."""

import inspect
import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import click
import dagster as dg
import pytest
from pydantic import BaseModel

import odp_dlt.definitions
from odp_dlt import dlt
from odp_dlt.checks.base import Check, checks
from odp_dlt.cli.main import odp
from odp_dlt.destinations.base import Destination, destinations
from odp_dlt.pipeline.info import LoadInfo
from odp_dlt.resources.base import Resource, resources
from odp_dlt.schema.model import Disposition
from odp_dlt.sensors.base import Sensor, sensors
from odp_dlt.tasks.base import Task, tasks
from odp_dlt.workflow import asset, helpers, models
from odp_dlt.workflow.automation import (
    CronParams,
    CronSchedule,
    PartitionSchedule,
    PartitionScheduleParams,
    ScheduleTrigger,
    SensorParams,
    SensorTrigger,
)
from odp_dlt.workflow.template import CONTEXT_NAMES, UTILS_NAMES
from tests.docs.pages import DOCS, ROOT, Page
from tests.docs.sitting import new_project

YAML = (DOCS / "reference/yaml.md").read_text()
CLI = (DOCS / "reference/cli.md").read_text()
METADATA = (DOCS / "reference/metadata.md").read_text()
PYTHON = (DOCS / "reference/python.md").read_text()
DECISIONS = (DOCS / "decisions.md").read_text()
ARCHITECTURE = (DOCS / "architecture.md").read_text()
CONTRIBUTING = (DOCS / "contributing.md").read_text()
LIMITS = (DOCS / "explanation/limits.md").read_text()


def section(text: str, heading: str) -> str:
    """The part of a page under `heading`, up to the next of its level or a higher one."""
    depth = len(heading.partition(" ")[0])
    assert f"\n{heading}\n" in text, f"there is no '{heading}'"
    after = text.split(f"\n{heading}\n", 1)[1]
    return re.split(rf"^#{{1,{depth}}} ", after, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> set[str]:
    """The names in backticks in the first column of its tables."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return {name for line in lines for name in re.findall(r"`([^`]+)`", line.split("|")[1])}


def keys(model: type[BaseModel]) -> set[str]:
    return {name for name in model.model_fields if name != "origin"}


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("### assets", models.Asset),
        ("### partitions", models.Partition),
        ("### jobs", models.Job),
        ("### soda_checks", models.SodaCheck),
        ("### check", asset.Check),
        ("### resources", models.ResourceConfig),
    ],
)
def test_yaml_names_every_key_of_an_entry_and_no_other(
    heading: str, model: type[BaseModel]
) -> None:
    wanted = keys(model)
    if model is models.Partition:
        wanted |= {f"params.{key}" for key in keys(models.PartitionParams)}
    assert rows(section(YAML, heading)) == wanted


def test_yaml_names_every_key_of_a_trigger() -> None:
    wanted = keys(ScheduleTrigger) | keys(SensorTrigger)
    for kind in (CronSchedule, PartitionSchedule, SensorParams):
        wanted |= {f"params.{key}" for key in keys(kind)}
    for inner in (CronParams, PartitionScheduleParams):
        wanted |= {f"params.schedule_params.{key}" for key in keys(inner)}
    assert rows(section(YAML, "### triggers")) == wanted


def test_the_page_of_automation_names_what_each_sensor_gives() -> None:
    page = (DOCS / "how-to/automation.md").read_text()
    assert set(sensors.names()) <= rows(page)
    for name in sensors.names():
        assert {word for word in sensors.find(name).values if f"`{word}`" not in page} == set()


@pytest.mark.parametrize(
    ("kind", "registry", "names"),
    [
        ("task_type", tasks, tasks.names()),
        ("resource_kind", resources, resources.names()),
        ("sensor_kind", sensors, sensors.names()),
        ("destination", destinations, destinations.names()),
        ("check", checks, checks.names()),
    ],
)
def test_yaml_names_every_param_of_every_kind(kind: str, registry: Any, names: list[str]) -> None:
    for name in names:
        found: type[Task | Resource | Destination | Check | Sensor] = registry.find(name)
        if found is registry.base:
            continue
        assert rows(section(YAML, f"### {kind}: {name}")) == set(params(found))


def params(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """The names of all params, those inside of others with a dot."""
    for name, field in model.model_fields.items():
        yield f"{before}{name}"
        if inspect.isclass(field.annotation) and issubclass(field.annotation, BaseModel):
            yield from params(field.annotation, f"{name}.")


def test_yaml_names_every_template_variable_and_helper() -> None:
    own = inspect.getmembers(helpers, inspect.isfunction)
    here = {n for n, f in own if f.__module__ == helpers.__name__ and not n.startswith("_")}
    named = rows(section(YAML, "## Templates"))
    wanted = {f"context.{n}" for n in CONTEXT_NAMES} | {f"utils.{n}" for n in UTILS_NAMES}
    assert wanted <= named
    assert {f"{{{{#{name}}}}}…{{{{/{name}}}}}" for name in here} <= named


def commands(group: click.Group, before: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from commands(found, f"{before} {name}")
        else:
            yield f"{before} {name}", found


def test_cli_names_every_command_with_every_option() -> None:
    found = [("odp", odp), *commands(odp, "odp")]
    for name, command in found:
        named = rows(section(CLI, f"## {name}" if name != "odp" else "## Options of all commands"))
        wanted = {word for p in command.params for word in (*p.opts, *p.secondary_opts)}
        if command is odp:
            wanted |= {"-h", "--help"}
        assert {word for word in wanted if word.startswith("-")} <= named, name
        arguments = [p for p in command.params if isinstance(p, click.Argument)]
        metavars = {p.make_metavar(click.Context(command)) for p in arguments}
        assert {re.sub(r"[\[\].]", "", each) for each in metavars} <= named
    headings = set(re.findall(r"^## (odp .+)$", CLI, re.MULTILINE))
    assert headings == {name for name, _ in found if name != "odp"}


def test_metadata_names_everything_that_is_reported(tmp_path: Path) -> None:
    new_project(tmp_path)
    defs = odp_dlt.definitions.build_definitions(tmp_path / "odp_config")
    with dg.DagsterInstance.ephemeral() as instance:
        job = defs.resolve_implicit_global_asset_job_def()
        events = job.execute_in_process(instance=instance).all_events
    made = [
        event.step_materialization_data.materialization
        for event in events
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION
    ]
    reported = {name for one in made for name in one.metadata}
    assert reported
    assert reported - {"dagster/partition_row_count"} <= rows(METADATA)


def test_python_names_everything_that_is_offered() -> None:
    offered = {f"dlt.{name}" for name in dlt.__all__}
    offered |= {f"dlt.sources.{name}" for name in dlt.sources.__all__}
    offered |= {f"dlt.current.{name}" for name in dlt.current.__all__}
    offered |= {f"dlt.destinations.{name}" for name in destinations.names()}
    offered |= set(odp_dlt.definitions.__all__)
    assert offered - {"dlt.sources", "dlt.current", "dlt.destinations"} <= rows(PYTHON)


def test_python_names_everything_that_a_run_tells() -> None:
    assert {field.name for field in fields(LoadInfo)} <= rows(PYTHON)


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    packages = {re.split(r"[<>=!~\[; ]", line)[0] for group in groups for line in group}
    assert packages - rows(DECISIONS) == set()


def test_the_layers_are_those_that_are_held() -> None:
    held = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = [re.sub(r"\s*\|?\s*\(\w+\)", "", line) for line in held["contracts"][0]["layers"]]
    assert "\n".join(["", *layers, ""]) in ARCHITECTURE


def test_every_error_says_who_must_act_in_the_guide() -> None:
    from odp_dlt import errors

    tree = {n for n, c in inspect.getmembers(errors, inspect.isclass)} - {"OdpError"}
    assert tree - set(re.findall(r"`(\w+)`", CONTRIBUTING)) == set()


def test_the_page_of_limits_names_what_no_destination_can_do() -> None:
    able = {one for name in destinations.names() for one in destinations.find(name).dispositions}
    refused = set(get_args(Disposition)) - able
    assert {word for word in refused if f"`{word}`" not in LIMITS} == set()


def test_ci_runs_the_test_command_of_the_readme() -> None:
    readme = Page(ROOT / "README.md")
    after = readme.text.split("<!-- test command -->\n", 1)[1]
    shown = next(
        block.text for block in readme.blocks() if after.startswith(f"```bash\n{block.text}")
    )
    script = (ROOT / ".ci" / "run").read_text()
    line = next(line for line in script.splitlines() if line.startswith("command="))
    found = subprocess.run(
        ["bash", "-c", f'{line}; printf "%s" "$command"'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == shown.strip()
