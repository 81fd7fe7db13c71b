import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from odp_dlt.cli.main import odp

Program = Callable[..., "subprocess.CompletedProcess[str]"]
Edit = Callable[[Path, str, str], None]

WORKFLOW = "odp_config/workflows/shop.yaml"
SOURCE = "dlt_project/shop/source.py"
SCHEMA = "dlt_project/schemas/export/shop.schema.yaml"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(odp, list(arguments))


def test_a_valid_project_is_counted(shop: Path) -> None:
    text = call("validate")
    found = json.loads(call("validate", "--output", "json").stdout)

    assert text.exit_code == 0, text.stderr
    assert text.stdout == (
        "Valid: odp_config: 2 workflow assets, 3 assets, 1 source outside, 0 partitioned assets,"
        " 1 job.\n"
    )
    assert found == {
        "valid": True,
        "workflow_assets": 2,
        "assets": 3,
        "sources": 1,
        "partitioned": 0,
        "jobs": 1,
    }


def test_validating_executes_no_source_and_writes_nothing(shop: Path, edit: Edit) -> None:
    edit(shop / SOURCE, "PAGE_SIZE = 20", "raise SystemExit('executed')")
    before = sorted(shop.rglob("*"))

    assert call("validate").exit_code == 0
    assert sorted(shop.rglob("*")) == before


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (WORKFLOW, "task_type: dlt", "task_type: dtl", "Did you mean 'dlt'?"),
        (WORKFLOW, "destination: duckdb", "destination: ducdb", "Did you mean 'duckdb'?"),
        (WORKFLOW, "group_name: marts", "grup_name: marts", "unknown key 'grup_name'"),
        (WORKFLOW, "shop.source", "shop.sauce", "there is no source module 'shop.sauce'"),
        (WORKFLOW, "shop.source", "shop.source.tea", "there is no function 'tea'"),
        (WORKFLOW, "shop.schema.yaml", "x.schema.yaml", "odp schema export shop/api/orders"),
        (WORKFLOW, "{{shop_api_orders.", "{{shop_api_order.", "unknown name 'shop_api_order."),
        (WORKFLOW, 'key:"shop/api/orders"+', 'key:"shop/api/order"+', "'shop/api/order"),
        (WORKFLOW, "count: 40", "count: '{{#dat}}x{{/dat}}'", "unknown helper '{{#dat}}'"),
        (SOURCE, "@dlt.source", "@dlt.source(", "is not valid Python"),
        (SCHEMA, "resource: orders", "resource: order", "has no table of the resource 'orders'"),
        (SCHEMA, "version: 1", "version: [", "shop.schema.yaml"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_runs(
    shop: Path, edit: Edit, file: str, old: str, new: str, message: str
) -> None:
    edit(shop / file, old, new)

    checked = call("validate")
    ran = call("run")

    assert (checked.exit_code, ran.exit_code) == (2, 2)
    assert message in checked.stderr
    assert "shop" in checked.stderr
    assert checked.stdout == ""
    assert not (shop / "data").exists()


def test_all_problems_are_listed_and_a_program_can_read_them(shop: Path, edit: Edit) -> None:
    edit(shop / WORKFLOW, "destination: duckdb", "destination: ducdb")
    edit(shop / WORKFLOW, "{{shop_api_orders.", "{{shop_api_order.")

    result = call("validate", "--output", "json")

    assert result.exit_code == 2
    found = json.loads(result.stdout)
    assert found["valid"] is False
    assert "ducdb" in found["problem"]
    assert "shop_api_order." in found["problem"]


def test_exit_code_of_the_program(shop: Path, program: Program) -> None:
    (shop / SCHEMA).write_text("")

    result = program(shop, "validate")

    assert result.returncode == 2
    assert "shop.schema.yaml" in result.stderr
