import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from odp_dlt.cli.main import odp
from odp_dlt.schema.stored import read_schema_file

Edit = Callable[[Path, str, str], None]
Program = Callable[..., "subprocess.CompletedProcess[str]"]

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


def test_diff_of_a_new_destination_makes_all_tables_and_writes_nothing(shop: Path) -> None:
    result = call("diff", ORDERS)

    assert result.exit_code == 0, result.stderr
    orders, items = result.stdout.splitlines()
    assert orders.startswith('CREATE TABLE "shop_data"."orders" ("id" BIGINT NOT NULL, ')
    assert '"ordered_at" TIMESTAMP WITH TIME ZONE' in orders
    assert items.startswith('CREATE TABLE "shop_data"."orders__items" ("product" VARCHAR')
    assert not (shop / "data").exists()


def test_what_a_diff_says_is_what_the_load_then_does(
    shop: Path, edit: Edit, program: Program
) -> None:
    assert program(shop, "run", ORDERS).returncode == 0
    same = program(shop, "schema", "diff", ORDERS, "--exit-code")
    assert (same.returncode, same.stdout) == (0, "-- A load would change no table.\n"), same.stderr
    before = columns(shop)
    edit(shop / "dlt_project/shop/source.py", '"status":', '"tags": ["a"], "vat": 1.5, "status":')

    result = program(shop, "schema", "diff", ORDERS, "--exit-code", "--output", "json")

    assert result.returncode == 3, result.stderr
    found = json.loads(result.stdout)
    assert found["schema_file_lacks"] == {
        "tables": ["orders__tags"], "columns": ["orders.vat"], "retyped": [],
    }  # fmt: skip
    assert program(shop, "run", ORDERS).returncode == 0
    now = columns(shop)
    assert {change["table"]: change["kind"] for change in found["changes"]} == {
        "orders": "add_columns", "orders__tags": "create_table",
    }  # fmt: skip
    for change in found["changes"]:
        there = before.get(change["table"], {})
        new = {name: kind for name, kind in now[change["table"]].items() if name not in there}
        assert change["columns"] == new


def test_a_diff_says_why_a_load_would_fail(shop: Path, edit: Edit, program: Program) -> None:
    assert program(shop, "run", ORDERS).returncode == 0
    source = shop / "dlt_project/shop/source.py"
    edit(source, '"status":', '"vat": 1, "status":')
    edit(source, 'primary_key="id"', 'primary_key="id", columns={"vat": {"nullable": False}}')

    result = program(shop, "schema", "diff", ORDERS)

    assert result.stdout.splitlines() == [
        "-- The load would fail: vat may not be null, and rows exist that have no value for it.",
        'ALTER TABLE "shop_data"."orders" ADD COLUMN "vat" BIGINT;',
    ]
    assert "The schema file lacks column orders.vat." in result.stderr
    assert f"Accept it: odp schema export {ORDERS}" in result.stderr
    assert program(shop, "run", ORDERS).returncode == 1


def columns(shop: Path) -> dict[str, dict[str, str]]:
    with duckdb.connect(str(shop / "data/shop.db"), read_only=True) as con:
        found = con.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE schema_name = 'shop_data'"
        ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, name, kind in found:
        tables.setdefault(table, {})[name] = kind
    return tables
