from pathlib import Path

import pytest

from odp_dlt.errors import ConfigError
from odp_dlt.schema.model import Table
from tests.definitions.shop_project import CONFIG, LINES, ORDERS, schema, shop, text

AT = "odp_config/workflows/shop.yaml"


def refusal(root: Path, workflow: str = ORDERS) -> str:
    """What is said about a project with this workflow; also: nothing is written."""
    project = shop(root, workflow)
    with pytest.raises(ConfigError) as e:
        project.build()
    assert e.value.exit_code == 2
    assert not (root / "data").exists()
    return str(e.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("task_type: dlt", "task_type: dtl", [f"{AT}:4:5", "'dtl'", "Did you mean 'dlt'?"]),
        (
            "destination: duckdb",
            "destination: duckdbb",
            [f"{AT}:11:7", "no destination is named 'duckdbb'", "Did you mean 'duckdb'?"],
        ),
        (
            "{database: data",
            "{databse: data",
            [f"{AT}:12:", "unknown param 'databse'", "Did you mean 'database'?"],
        ),
        ("source_params:", "source_param:", [f"{AT}:10:7", "Did you mean 'source_params'?"]),
        ("{dataset_name: shop_data}", "{}", [f"{AT}:13:", "'dataset_name' is missing"]),
        ("{dataset_name:", "{dataset:", [f"{AT}:13:", "Did you mean 'dataset_name'?"]),
        (
            "append}",
            "skip}",
            [f"{AT}:14:", "cannot 'skip' yet", "It can: append, merge, replace."],
        ),
        ("append}", "appendd}", [f"{AT}:14:", "'append'"]),
        (
            "shop/api/orders",
            "orders",
            [f"{AT}:3:", "at least two parts, and 'orders' has one", "SOURCE/orders"],
        ),
        (
            "shop.source",
            "shop.sourec",
            [f"{AT}:8:7", "no source module 'shop.sourec'", "Did you mean 'shop.source'?"],
        ),
        (
            "shop.source",
            "shop.source.shopp",
            ["source.py", "no function 'shopp'", "Did you mean 'shop'?"],
        ),
        (
            "shop.schema.yaml",
            "sho.schema.yaml",
            ["sho.schema.yaml", "does not exist", "odp schema export shop/api/orders"],
        ),
        (
            "shop.schema.yaml",
            "'{{context.run_id}}.yaml'",
            [f"{AT}:9:7", "'schema_file_path' cannot be a template"],
        ),
        (
            "{write_disposition: append}",
            "'{{context.run_id}}'",
            [f"{AT}:14:7", "'run_params' cannot be a template"],
        ),
        (
            "size: 2",
            "size: '{{contxt.run_id}}'",
            [f"{AT}:10:", "unknown name 'contxt.run_id'", "Did you mean 'context'?"],
        ),
        (
            "size: 2",
            "size: '{{context.partition_key}}'",
            [f"{AT}:10:", "the asset has no partitions"],
        ),
        ("size: 2", "size: '{{mart_x.n}}'", [f"{AT}:10:", "when `depends_on` names them"]),
    ],
)
def test_what_is_written_wrong_is_told_with_its_place_and_the_nearest_name(
    tmp_path: Path, old: str, new: str, said: list[str]
) -> None:
    message = refusal(tmp_path, ORDERS.replace(old, new))
    assert [part for part in said if part not in message] == [], message


def test_a_task_without_its_resource_is_told_what_to_add(tmp_path: Path) -> None:
    project = shop(tmp_path, ORDERS)
    project.write("odp_config/dagster_config.yaml", CONFIG.replace("dlt\n", "duckdb\n", 1))
    project.write("odp_config/dagster_config.yaml", "resources: []\n")
    with pytest.raises(ConfigError, match=r"no resource of kind 'dlt'(.|\n)*resource_kind: dlt"):
        project.build()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (CONFIG.replace("resource_kind: dlt", "resource_kind: dtl"), r":3:5: .*'dtl'(.|\n)*'dlt'"),
        (CONFIG.replace("project_dir", "project"), r":4:14: unknown param 'project'"),
        (CONFIG.replace("dlt_project", "gone"), r"folder '.*gone' does not exist"),
    ],
)
def test_a_wrong_resource_is_told_with_its_place(tmp_path: Path, config: str, said: str) -> None:
    project = shop(tmp_path, ORDERS)
    project.write("odp_config/dagster_config.yaml", config)
    with pytest.raises(ConfigError, match=said):
        project.build()


def test_a_nested_table_that_is_another_asset_too_is_told_with_both_places(tmp_path: Path) -> None:
    message = refusal(tmp_path, ORDERS + LINES.replace("mart/lines", "shop/api/orders__lines"))
    assert f"{AT}:16:5" in message
    assert f"(at {AT}:3:5) have one key: 'shop/api/orders__lines'" in message
    assert "the table 'shop/api/orders__lines' of asset 'shop/api/orders'" in message


def test_keys_that_become_one_name_in_dagster_are_told(tmp_path: Path) -> None:
    query = "\n    task_type: duckdb_query\n    params: {query: SELECT 1}"
    message = refusal(
        tmp_path, f"assets:\n  - asset_key: a/b__c{query}\n  - asset_key: a__b/c{query}\n"
    )
    assert f"the asset 'a/b__c' (at {AT}:2:5) have one name in Dagster: 'a__b__c'" in message


def test_parents_that_templates_cannot_tell_apart_are_told(tmp_path: Path) -> None:
    query = "\n    task_type: duckdb_query\n    params: {query: SELECT 1}"
    both = "\n    depends_on: [a/b_c, a_b/c]"
    message = refusal(tmp_path, f"assets:\n  - asset_key: d{query}{both}\n")
    assert "the parent 'a/b_c'" in message
    assert "have one name in templates: 'a_b_c'" in message


def test_assets_that_depend_on_each_other_are_told(tmp_path: Path) -> None:
    query = "\n    task_type: duckdb_query\n    params: {query: SELECT 1}\n    depends_on: "
    message = refusal(
        tmp_path, f"assets:\n  - asset_key: a{query}[b]\n  - asset_key: b{query}[a]\n"
    )
    assert "depend on each other in a circle" in message


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    message = refusal(
        tmp_path, ORDERS.replace("duckdb\n", "duck\n") + LINES.replace("_query", "_qery")
    )
    assert "2 problems in the workflow files" in message
    assert "'duck'" in message
    assert "'duckdb_qery'" in message


def test_an_empty_schema_file_is_told(tmp_path: Path) -> None:
    project = shop(tmp_path, ORDERS)
    project.write("dlt_project/shop.schema.yaml", "")
    with pytest.raises(ConfigError, match=r"shop\.schema\.yaml(.|\n)*odp schema export shop/api"):
        project.build()


def test_a_schema_file_without_the_resource_is_told(tmp_path: Path) -> None:
    message = refusal(tmp_path, ORDERS.replace("shop/api/orders", "shop/api/order"))
    assert "no table of the resource 'order'" in message
    assert "Did you mean 'orders'?" in message
    assert "odp schema export shop/api/order" in message


def test_a_table_whose_name_dagster_cannot_hold_is_told(tmp_path: Path) -> None:
    project = shop(tmp_path, ORDERS)
    project.schema(schema().with_tables([Table("orders▶x", {"v": text("v")}, parent="orders")]))
    with pytest.raises(ConfigError, match=r"'shop/api/orders▶x' .* cannot be an asset in Dagster"):
        project.build()


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("\n\n@dlt.source\ndef other():\n    return []\n", "has 2 sources: shop, other"),
        ("\ndef broken(:\n", r"source\.py:\d+:\d+: the source module is not valid Python"),
    ],
)
def test_a_source_module_with_two_sources_or_none_that_can_be_read(
    tmp_path: Path, second: str, said: str
) -> None:
    project = shop(tmp_path, ORDERS)
    file = project.root / "dlt_project/shop/source.py"
    file.write_text(file.read_text() + second)
    with pytest.raises(ConfigError, match=said):
        project.build()
    if "@" in second:
        project.workflow(ORDERS.replace("shop.source", "shop.source.shop"))
        project.build()
