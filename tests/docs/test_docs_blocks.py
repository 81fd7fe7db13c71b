"""Whatever a page shows, works."""

import re
import tomllib
from pathlib import Path

import pytest

from odp_dlt.resources.base import resources
from odp_dlt.sensors.base import sensors
from odp_dlt.tasks.base import tasks
from odp_dlt.tasks.params import validated, validated_unless_template
from odp_dlt.workflow.automation import SensorTrigger
from odp_dlt.workflow.load import load_workflow
from tests.docs.pages import Block, Page, pages
from tests.docs.sitting import Sitting

WITH_CODE = [page for page in pages() if any(True for _ in page.blocks())]
LANGUAGES = {"bash", "python", "yaml", "toml", "text", "sql", ""}
DUMMY = "assets: [{asset_key: a, task_type: duckdb_query, params: {query: SELECT 1}}]"


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.name)
def test_the_blocks_of_a_page_work_one_after_the_other(page: Page, tmp_path: Path) -> None:
    sitting, before = Sitting.of(page, tmp_path), ""
    for block in page.blocks():
        try:
            sitting.take(block)
            if block.language == "text" and before == "bash":
                must_be_printed(block.text, sitting.printed)
        except AssertionError as e:
            raise AssertionError(f"{page.name}:{block.line}: {e}") from e
        before = block.language


def must_be_printed(shown: str, printed: str) -> None:
    """Every line shown is in what was printed, but for numbers, days, widths and what `…` hides."""
    there = [loose(line) for line in printed.splitlines()]
    for line in shown.splitlines():
        wanted = loose(line)
        parts = [re.escape(part.strip()) for part in wanted.split("…")]
        pattern = re.compile(".*".join(parts))
        assert not wanted or any(pattern.fullmatch(one) for one in there), (
            f"'{line}' was not printed, but:\n{printed}"
        )


def loose(line: str) -> str:
    return " ".join(re.sub(r"\d[\d.,:-]*", "0", line).split())


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.name)
def test_yaml_and_toml_are_what_they_say(page: Page, tmp_path: Path) -> None:
    for number, block in enumerate(page.blocks()):
        assert block.language in LANGUAGES, f"{page.name}:{block.line}: {block.language}"
        if block.language == "toml":
            tomllib.loads(block.text)
        if block.language == "yaml":
            assert block.path is not None, f"{page.name}:{block.line}: which file is this?"
            must_be_valid(block, tmp_path / str(number))


def must_be_valid(block: Block, folder: Path) -> None:
    """The file of `block` alone in a project has only keys and params that there are."""
    written, config = folder / str(block.path), folder / "odp_config"
    written.parent.mkdir(parents=True)
    written.write_text(block.text)
    (config / "workflows").mkdir(exist_ok=True)
    if written.parent == config:
        (config / "workflows" / "main.yaml").write_text(DUMMY)
    workflow = load_workflow(config)
    for resource in workflow.resources:
        validated(resources.find(resource.resource_kind), resource.params, folder)
    for job in workflow.jobs:
        for trigger in job.triggers:
            if isinstance(trigger, SensorTrigger) and "." not in trigger.params.sensor_kind:
                kind = sensors.find(trigger.params.sensor_kind)
                validated_unless_template(kind, trigger.params.sensor_params, folder)
    for asset in workflow.assets:
        validated_unless_template(tasks.find(asset.task_type), asset.params, folder)
