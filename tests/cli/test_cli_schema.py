import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from odp_dlt.cli.main import odp
from odp_dlt.schema.stored import read_schema_file

Edit = Callable[[Path, str, str], None]

ORDERS = "shop/api/orders"


def schema_file(shop: Path) -> Path:
    return shop / "dlt_project" / "schemas" / "export" / "shop.schema.yaml"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(odp, ["schema", *arguments])


def test_export_writes_a_file_that_was_not_there_and_loads_nothing(shop: Path) -> None:
    schema_file(shop).unlink()

    result = call("export", ORDERS)

    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "Written: dlt_project/schemas/export/shop.schema.yaml",
        "  new table orders",
        "  new table orders__items",
    ]
    assert f"odp run {ORDERS}" in result.stderr
    assert list(read_schema_file(schema_file(shop)).tables) == [
        "_dlt_version",
        "_dlt_loads",
        "orders",
        "orders__items",
    ]
    assert not (shop / "data").exists()
    assert CliRunner().invoke(odp, ["validate"]).exit_code == 0


def test_export_fills_an_empty_file(shop: Path) -> None:
    schema_file(shop).write_text("\n")

    result = call("export", ORDERS)

    assert result.exit_code == 0, result.stderr
    assert "orders__items" in schema_file(shop).read_text()


def test_export_adds_what_is_new_and_keeps_what_a_person_wrote(shop: Path, edit: Edit) -> None:
    edit(
        schema_file(shop),
        "    write_disposition: replace\n",
        "    write_disposition: replace\n    description: Mine\n",
    )
    edit(shop / "dlt_project/shop/source.py", '"status":', '"tags": ["new"], "state":')

    result = call("export", ORDERS, "--output", "json")

    assert json.loads(result.stdout) == {
        "file": str(schema_file(shop)),
        "changed": True,
        "tables": ["orders__tags"],
        "columns": ["orders.state"],
        "retyped": [],
    }
    schema = read_schema_file(schema_file(shop))
    assert schema.version == 2
    assert schema.tables["orders"].description == "Mine"
    assert {"status", "state"} <= set(schema.tables["orders"].columns)


def test_export_says_where_the_file_and_the_data_differ_in_a_type(shop: Path, edit: Edit) -> None:
    edit(
        shop / "dlt_project/shop/source.py",
        '"status": STATUSES[number % len(STATUSES)]',
        '"status": number',
    )

    result = call("export", ORDERS)

    assert "orders.status is text in the file and bigint in the data" in result.stderr
    assert (
        read_schema_file(schema_file(shop)).tables["orders"].columns["status"].data_type == "text"
    )


def test_export_after_a_load_gives_the_same_file(shop: Path) -> None:
    before = schema_file(shop).read_bytes()
    assert CliRunner().invoke(odp, ["run", ORDERS]).exit_code == 0

    result = call("export", ORDERS)

    assert result.stdout == "Already up to date: dlt_project/schemas/export/shop.schema.yaml\n"
    assert schema_file(shop).read_bytes() == before
    schema_file(shop).unlink()
    call("export", ORDERS)
    assert read_schema_file(schema_file(shop)).tables.keys() == {
        "_dlt_version",
        "_dlt_loads",
        "orders",
        "orders__items",
    }


def test_export_looks_at_no_more_rows_than_it_is_told(shop: Path, edit: Edit) -> None:
    edit(
        shop / "dlt_project/shop/source.py",
        '"status":',
        '**({"late": 1} if number > 5 else {}), "status":',
    )

    few = call("export", ORDERS, "--limit", "5")
    all_ = call("export", ORDERS)

    assert few.exit_code == 0
    assert "  new column orders.late" in all_.stdout


def test_export_takes_the_latest_complete_partition_or_the_one_named(
    shop: Path, edit: Edit
) -> None:
    workflow = shop / "odp_config" / "workflows" / "shop.yaml"
    edit(workflow, "count: 40", 'count: "{{#date}}{{context.partition_key}}|%d{{/date}}"')
    days = '{schedule_type: DAILY, start: "2026-01-01", end: "2026-01-05"}'
    entry = f"partitions:\n  - assets: [{ORDERS}]\n    params: {days}"
    edit(workflow, "jobs:", f"{entry}\njobs:")
    edit(
        shop / "dlt_project/shop/source.py",
        "def shop(count: int = 40) -> Any:",
        "def shop(count: int = 40) -> Any:\n    assert int(count) == 3, count",
    )
    edit(
        shop / "dlt_project/shop/source.py",
        "yield from pages(count)",
        "yield from pages(int(count))",
    )

    named = call("export", ORDERS, "--partition", "2026-01-03")
    latest = call("export", ORDERS)
    none = call("export", ORDERS, "--partition", "2026-02-03")

    assert named.exit_code == 0, named.stderr
    assert "04" in latest.stderr
    assert (none.exit_code, "They run from 2026-01-01 to 2026-01-04." in none.stderr) == (2, True)


def test_show_is_a_tree_of_tables(shop: Path) -> None:
    text = call("show", ORDERS)
    found = json.loads(call("show", ORDERS, "--output", "json").stdout)

    assert text.stdout.splitlines()[:2] == ["orders", "├── id bigint not null"]
    assert [(table["table"], table["parent"]) for table in found] == [
        ("orders", None),
        ("orders__items", "orders"),
    ]


@pytest.mark.parametrize(
    ("asset_key", "message"),
    [
        ("shop/api/order", "Did you mean 'shop/api/orders'?"),
        ("shop/marts/product_sales", "has the task type 'duckdb_query', so no schema file"),
    ],
)
def test_only_dlt_assets_have_a_schema_file(shop: Path, asset_key: str, message: str) -> None:
    result = call("export", asset_key)

    assert result.exit_code == 2
    assert message in result.stderr


def test_show_of_a_file_that_is_not_there_names_the_export(shop: Path) -> None:
    schema_file(shop).unlink()

    result = call("show", ORDERS)

    assert result.exit_code == 2
    assert f"odp schema export {ORDERS}" in result.stderr


def test_a_source_without_rows_writes_no_file(shop: Path, edit: Edit) -> None:
    schema_file(shop).unlink()
    edit(shop / "odp_config" / "workflows" / "shop.yaml", "count: 40", "count: 0")

    result = call("export", ORDERS)

    assert result.exit_code == 1
    assert "the source gave no rows of 'orders'" in result.stderr
    assert not schema_file(shop).exists()
