"""Each mistake that a person can make: what is said, the exit code, and that nothing is written."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from odp_dlt.cli.main import odp

Program = Callable[..., "subprocess.CompletedProcess[str]"]
Edit = Callable[[Path, str, str], None]

WORKFLOW = "odp_config/workflows/shop.yaml"
SOURCE = "dlt_project/shop/source.py"
SCHEMA = "dlt_project/schemas/export/shop.schema.yaml"
TWO_SOURCES = '''@dlt.source
def stall() -> Any:
    """Another one."""


@dlt.source
def shop('''
SECOND = "  - {{asset_key: {}, task_type: duckdb_query, params: {{query: SELECT 1}}}}\njobs:"


@dataclass(frozen=True)
class Mistake:
    """`old` in `file` becomes `new`; then `odp run` says all of `said` and exits with `code`."""

    file: str
    old: str
    new: str
    said: tuple[str, ...]
    code: int = 2


MISTAKES = {
    "yaml syntax": Mistake(WORKFLOW, "jobs:", "jobs: [", (WORKFLOW, "not valid YAML")),
    "unknown key": Mistake(
        WORKFLOW,
        "group_name: marts",
        "grupp_name: marts",
        (f"{WORKFLOW}:", "unknown key 'grupp_name'", "Did you mean 'group_name'?"),
    ),
    "unknown task type": Mistake(
        WORKFLOW, "task_type: dlt", "task_type: dtl", (f"{WORKFLOW}:", "Did you mean 'dlt'?")
    ),
    "unknown destination": Mistake(
        WORKFLOW,
        "destination: duckdb",
        "destination: ducdb",
        (f"{WORKFLOW}:", "Did you mean 'duckdb'?"),
    ),
    "dlt key with one part": Mistake(
        WORKFLOW,
        "- asset_key: shop/api/orders",
        "- asset_key: orders",
        (f"{WORKFLOW}:", "at least two parts"),
    ),
    "one key twice": Mistake(
        WORKFLOW,
        "jobs:",
        SECOND.format("shop/api/orders"),
        (f"{WORKFLOW}:", "'shop/api/orders'", "twice"),
    ),
    "nested table with the key of another asset": Mistake(
        WORKFLOW, "jobs:", SECOND.format("shop/api/orders__items"), ("shop/api/orders__items",)
    ),
    "schema file missing": Mistake(
        WORKFLOW,
        "shop.schema.yaml",
        "shopp.schema.yaml",
        ("shopp.schema.yaml", "does not exist", "odp schema export shop/api/orders"),
    ),
    "schema file without the resource": Mistake(
        SCHEMA,
        "resource: orders",
        "resource: order",
        ("no table of the resource 'orders'", "odp schema export shop/api/orders"),
    ),
    "source module missing": Mistake(
        WORKFLOW,
        "shop.source",
        "shop.sauce",
        (f"{WORKFLOW}:", "'shop.sauce'", "Did you mean 'shop.source'?"),
    ),
    "source function missing": Mistake(
        WORKFLOW, "shop.source", "shop.source.shopp", ("'shopp'", "Did you mean 'shop'?")
    ),
    "no source in the module": Mistake(
        SOURCE, "@dlt.source\n", "", ("shop/source.py", "@dlt.source")
    ),
    "two sources in the module": Mistake(
        SOURCE,
        "@dlt.source\ndef shop(",
        TWO_SOURCES,
        ("2 sources: stall, shop", "source_module: shop.source."),
    ),
    "resource not in the source": Mistake(
        SOURCE, 'name="orders"', 'name="order"', ("no resource 'orders'", "Did you mean 'order'?")
    ),
    "missing secret": Mistake(
        SOURCE,
        "def shop(count: int = 40)",
        "def shop(count: int = 40, token: str = dlt.secrets.value)",
        ("token", "SOURCES__", "secrets.toml"),
    ),
    "unknown template name": Mistake(
        WORKFLOW,
        "count: 40",
        'count: "{{context.partition_kee}}"',
        (f"{WORKFLOW}:", "unknown name 'context.partition_kee'", "context.partition_key"),
    ),
    "parent without that metadata": Mistake(
        WORKFLOW,
        "{{shop_api_orders.destination_table_id}} AS parent",
        "{{shop_api_orders.table}} AS parent",
        ("has no metadata 'table'", "destination_table_id"),
    ),
    "source that raises": Mistake(
        SOURCE,
        "    yield from pages(count)",
        "    yield from pages(count)\n        raise ValueError('no more tea')",
        ("no more tea",),
        code=1,
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_explained_and_nothing_of_it_is_written(
    mistake: Mistake, shop: Path, edit: Edit
) -> None:
    edit(shop / mistake.file, mistake.old, mistake.new)

    result = CliRunner().invoke(odp, ["run"])

    assert [text for text in mistake.said if text not in result.stderr] == [], result.stderr
    assert result.exit_code == mistake.code
    assert "Traceback" not in result.stderr
    assert "Stack Trace" not in result.stderr
    if mistake is not MISTAKES["parent without that metadata"]:  # its parent is loaded before
        assert not (shop / "data" / "shop.db").exists()


def test_an_empty_schema_file_leads_to_the_export(shop: Path) -> None:
    (shop / SCHEMA).write_text("")

    result = CliRunner().invoke(odp, ["run"])

    assert result.exit_code == 2
    assert "odp schema export shop/api/orders" in result.stderr
    assert not (shop / "data").exists()


def test_a_file_that_is_not_duckdbs_stays_as_it_is(shop: Path) -> None:
    file = shop / "data" / "shop.db"
    file.parent.mkdir()
    file.write_text("a diary, not a database " * 100)
    before = file.read_bytes()

    result = CliRunner().invoke(odp, ["run"])

    assert result.exit_code == 1
    assert "shop.db" in result.stderr
    assert file.read_bytes() == before


def test_a_secret_of_another_name_is_not_shown(shop: Path, edit: Edit, program: Program) -> None:
    mistake = MISTAKES["missing secret"]
    edit(shop / mistake.file, mistake.old, mistake.new)

    result = program(shop, "-v", "run", SOURCES__SHOP__TOKENN="hunter2-value")

    assert result.returncode == 2
    assert "hunter2-value" not in result.stdout + result.stderr
