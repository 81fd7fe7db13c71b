"""A run that meets what the schema file does not have: it loads it, and says so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from odp_dlt.definitions.metadata import for_templates
from tests.definitions.shop_project import ORDERS, Project, shop

ROOT, NEW = "shop/api/orders", "shop/api/orders__notes"
GROWN = '"vat": 1, "notes": [{"n": 1}], "lines": [{"sku": "a", "weight": 1.5}]'


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def grown(root: Path, workflow: str = ORDERS) -> Project:
    """A project whose source gives more than its schema file has, as `size` is more than 2."""
    project = shop(root, workflow)
    source = project.root / "dlt_project/shop/source.py"
    grows = f'[{{"sku": "b"}}], **({{{GROWN}}} if size > 2 else {{}})}}'
    source.write_text(source.read_text().replace('[{"sku": "a"}, {"sku": "b"}]}', grows))
    return project


def more(workflow: str = ORDERS) -> str:
    return workflow.replace("size: 2", "size: 3")


def check_of(instance: dg.DagsterInstance, run_id: str) -> Any:
    return next(
        entry.dagster_event.asset_check_evaluation_data
        for entry in instance.all_logs(run_id)
        if entry.dagster_event
        and entry.dagster_event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
    )


def latest(instance: dg.DagsterInstance, key: str) -> dict[str, Any] | None:
    event = instance.get_latest_materialization_event(dg.AssetKey(key.split("/")))
    found = event.asset_materialization if event else None
    return for_templates(found.metadata) if found else None


def test_new_tables_and_columns_are_loaded_told_and_named_with_their_command(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    project = grown(tmp_path)
    first = project.run([ROOT], instance)
    assert first.error == ""
    assert {"new_tables", "new_columns", "schema_changes"}.isdisjoint(first.made[ROOT])
    made = project.workflow(more()).run([ROOT], instance).made
    assert made[ROOT]["new_tables"] == "orders__notes"
    assert made[ROOT]["new_columns"] == "orders.vat, orders__lines.weight"
    assert made[ROOT]["schema_changes"].splitlines() == [
        "| table | column | type | schema file |",
        "|---|---|---|---|",
        "| orders | vat | bigint | lacks it |",
        "| orders__lines | weight | double | lacks it |",
        "| orders__notes | n | bigint | lacks it |",
    ]
    assert made["shop/api/orders__lines"]["new_columns"] == "orders__lines.weight"
    assert made[NEW]["destination_table_id"] == "shop_data.orders__notes"
    assert made[NEW]["rows_loaded"] == 3
    run = instance.get_runs(limit=1)[0]
    check = check_of(instance, run.run_id)
    assert (check.check_name, check.passed, check.severity.value) == ("schema", False, "WARN")
    assert check.description == (
        "the schema file lacks table orders__notes and column orders.vat, orders__lines.weight. "
        "Accept it: odp schema export shop/api/orders"
    )


@pytest.mark.parametrize(
    ("how", "materialized", "observed"), [("materialize", True, False), ("observe", False, True)]
)
def test_how_a_new_table_is_told_is_a_choice(
    tmp_path: Path,
    instance: dg.DagsterInstance,
    how: str,
    materialized: bool,
    observed: bool,
) -> None:
    workflow = ORDERS + f"      on_new_table: {how}\n"
    assert grown(tmp_path, more(workflow)).run([ROOT], instance).error == ""
    records = instance.fetch_observations(dg.AssetKey(NEW.split("/")), limit=9).records
    assert (latest(instance, NEW) is not None, len(records) > 0) == (materialized, observed)


def test_fail_loads_and_tells_all_and_then_fails_with_the_command(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    workflow = ORDERS + "      on_new_table: fail\n    retry_policy: {max_retries: 2}\n"
    project = grown(tmp_path, workflow)
    assert project.run([ROOT], instance).error == ""
    run = project.workflow(more(workflow)).run([ROOT], instance)
    assert run.failure is not None
    said = str(run.failure.description)
    assert "the load brought tables that are no assets yet: orders__notes" in said
    assert "Accept them: odp schema export shop/api/orders" in said
    assert set(run.made) == {ROOT, "shop/api/orders__lines", NEW}
    assert run.made[ROOT]["rows_loaded"] == 3
    assert run.made[ROOT]["dagster/row_count"] == 5
    assert not check_of(instance, instance.get_runs(limit=1)[0].run_id).passed


def test_a_new_table_of_a_partitioned_asset_is_told_for_its_partition(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    daily = "\npartitions:\n  - assets: [shop/api/orders]\n    params: "
    daily += '{start: "2026-01-01", schedule_type: DAILY}\n'
    assert grown(tmp_path, more() + daily).run([ROOT], instance, "2026-01-02").error == ""
    made = instance.get_materialized_partitions(dg.AssetKey(NEW.split("/")))
    assert made == {"2026-01-02"}


def test_the_first_load_tells_only_what_the_file_lacks(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    changes = grown(tmp_path, more()).run([ROOT], instance).made[ROOT]["schema_changes"]
    assert [line.split(" | ")[1] for line in changes.splitlines()[2:]] == ["vat", "weight", "n"]


def test_what_the_file_has_already_is_told_as_a_change_of_the_destination(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    from odp_dlt.schema.model import Column
    from tests.definitions.shop_project import schema

    project = grown(tmp_path)
    project.run([ROOT], instance)
    known = schema()
    orders = known.tables["orders"].with_columns([Column("vat", "bigint")])
    project.schema(known.with_tables([orders]))
    made = project.workflow(more()).run([ROOT], instance).made[ROOT]
    assert "| orders | vat | bigint | has it |" in made["schema_changes"]
    assert made["new_columns"] == "orders__lines.weight"
