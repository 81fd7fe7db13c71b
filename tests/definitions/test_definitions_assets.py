from pathlib import Path

import dagster as dg
import pytest

from odp_dlt.schema.model import Column, Table
from tests.definitions.shop_project import LINES, ORDERS, Project, schema, shop


def spec(defs: dg.Definitions, key: str) -> dg.AssetSpec:
    return next(s for s in defs.resolve_all_asset_specs() if s.key.to_user_string() == key)


def keys(defs: dg.Definitions) -> set[str]:
    return {s.key.to_user_string() for s in defs.resolve_all_asset_specs()}


def above(defs: dg.Definitions, key: str) -> set[str]:
    return {dep.asset_key.to_user_string() for dep in spec(defs, key).deps}


def test_every_table_of_the_resource_is_an_asset_and_no_other(tmp_path: Path) -> None:
    assert keys(shop(tmp_path).build()) == {
        "shop/api",
        "shop/api/orders",
        "shop/api/orders__lines",
        "shop/api/orders__lines__tags",
        "mart/lines",
    }


def test_a_nested_table_depends_on_its_parent_and_the_root_on_the_source(tmp_path: Path) -> None:
    defs = shop(tmp_path).build()
    assert above(defs, "shop/api/orders") == {"shop/api"}
    assert above(defs, "shop/api/orders__lines") == {"shop/api/orders"}
    assert above(defs, "shop/api/orders__lines__tags") == {"shop/api/orders__lines"}
    assert not defs.resolve_asset_graph().get(dg.AssetKey(["shop", "api"])).is_executable


def test_what_an_asset_is_stands_on_its_definition(tmp_path: Path) -> None:
    defs = shop(tmp_path).build()
    root = spec(defs, "shop/api/orders")
    assert root.description == "Orders of the shop"
    assert root.group_name == "ingest"
    assert root.kinds == {"dlt", "duckdb"}
    assert root.metadata["dagster/table_name"] == "shop_data.orders"
    column = root.metadata["dagster/column_schema"].columns[0]
    assert (column.name, column.type, column.constraints.nullable) == ("id", "BIGINT", False)
    nested = spec(defs, "shop/api/orders__lines")
    assert nested.description == "Bought"
    assert nested.metadata["dagster/column_schema"].columns[0].type == "VARCHAR"


def test_code_references_lead_to_the_source_function_and_the_yaml(tmp_path: Path) -> None:
    metadata = spec(shop(tmp_path).build(), "shop/api/orders__lines").metadata
    code, written = metadata["dagster/code_references"].code_references
    assert (Path(code.file_path), code.line_number) == (tmp_path / "dlt_project/shop/source.py", 6)
    yaml = tmp_path / "odp_config/workflows/shop.yaml"
    assert (Path(written.file_path), written.line_number) == (yaml, 3)


def test_the_root_keeps_the_assets_key_when_its_table_is_called_otherwise(tmp_path: Path) -> None:
    project = shop(tmp_path, ORDERS)
    project.schema(
        schema().with_tables(
            [
                Table("purchases", {"id": Column("id", "bigint")}, resource="orders"),
                Table("purchases__lines", {"sku": Column("sku", "text")}, parent="purchases"),
                Table("orders", {"id": Column("id", "bigint")}, resource="others"),
            ]
        )
    )
    defs = project.build()
    assert keys(defs) == {"shop/api", "shop/api/orders", "shop/api/purchases__lines"}
    assert spec(defs, "shop/api/orders").metadata["dagster/table_name"] == "shop_data.purchases"


def test_one_source_outside_serves_all_its_assets(tmp_path: Path) -> None:
    events = ORDERS.replace("assets:\n", "").replace("shop/api/orders", "shop/api/orders__events")
    defs = shop(tmp_path, ORDERS + events).build()
    external = [s for s in defs.resolve_all_asset_specs() if s.key == dg.AssetKey(["shop", "api"])]
    assert len(external) == 1
    assert external[0].description is not None
    assert "shop/api/orders, shop/api/orders__events" in external[0].description


def test_the_code_version_follows_the_source_the_params_and_the_schema_file(tmp_path: Path) -> None:
    project = shop(tmp_path)

    def version() -> str | None:
        return spec(project.build(), "shop/api/orders").code_version

    seen = [version()]
    assert version() == seen[0]
    file = project.root / "dlt_project/shop/source.py"
    file.write_text(file.read_text() + "\n# changed\n")
    seen.append(version())
    project.workflow((ORDERS + LINES).replace("size: 2", "size: 3"))
    seen.append(version())
    project.schema(
        schema().with_tables([Table("orders", {"id": Column("id", "text")}, resource="orders")])
    )
    seen.append(version())
    assert len(set(seen)) == 4


def test_params_and_secrets_in_them_are_nowhere_in_the_definitions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "geheim")
    workflow = ORDERS.replace("{size: 2}", '{size: 2, token: "{{env.SHOP_TOKEN}}", plain: hunter2}')
    said = str(shop(tmp_path, workflow).build().resolve_all_asset_specs())
    assert "geheim" not in said
    assert "hunter2" not in said


def test_what_the_environment_and_resources_say_is_known_before_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DATASET", "Shop Data")
    workflow = ORDERS.replace("dataset_name: shop_data", 'dataset_name: "{{env.SHOP_DATASET}}"')
    project = shop(tmp_path, workflow)
    root = spec(project.build(), "shop/api/orders")
    assert root.metadata["dagster/table_name"] == "shop_data.orders"
    monkeypatch.delenv("SHOP_DATASET")
    assert "dagster/table_name" not in spec(project.build(), "shop/api/orders").metadata


def test_a_sibling_project_in_one_process_is_another_project(tmp_path: Path) -> None:
    first, second = shop(tmp_path / "a", ORDERS), shop(tmp_path / "b", ORDERS)
    second.write("dlt_project/shop/source.py", "import dlt\n\n\n@dlt.source\ndef other(): ...\n")
    lines = [
        spec(p.build(), "shop/api/orders").metadata["dagster/code_references"].code_references[0]
        for p in (first, second)
    ]
    assert [reference.line_number for reference in lines] == [6, 5]


def test_the_folder_is_named_by_the_environment_or_is_odp_config_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from odp_dlt.definitions import build_definitions

    project: Project = shop(tmp_path, ORDERS)
    monkeypatch.chdir(tmp_path)
    assert "shop/api/orders" in keys(build_definitions())
    monkeypatch.chdir("/")
    monkeypatch.setenv("ODP_CONFIG_PATH", str(project.root / "odp_config"))
    assert "shop/api/orders" in keys(build_definitions())
