"""The components, in a real `dg` project, by the real `dg` program."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import indent

import dagster as dg
import pytest

from odp_dlt.errors import ConfigError
from tests.definitions.shop_project import CONFIG, ORDERS, SOURCE, Project, shop

PYPROJECT = """
[project]
name = "shop_defs"
version = "0"
requires-python = ">=3.11"

[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "shop_defs"
"""
LOAD_DEFS = """
from pathlib import Path

import dagster as dg


@dg.definitions
def defs():
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
"""
PARAMS = """
source_module: shop.source
schema_file_path: shop.schema.yaml
source_params: {size: 3, note: "{{context.run_id}} & '{{#date}}2024-01-02|%d.%m.{{/date}}'"}
destination: duckdb
destination_params: {database: data/shop.db}
pipeline_params: {dataset_name: shop_data}
"""
NOTED = SOURCE.replace("size: int = 1", "size: int = 1, note: str = ''").replace(
    '{"id": n,', '{"id": n, "note": note,'
)


def dg_project(root: Path) -> Path:
    """An empty `dg` project, with the shop's source beside it; the folder of definitions."""
    project = shop(root)
    project.write("dlt_project/shop/source.py", NOTED)
    project.write("pyproject.toml", PYPROJECT)
    project.write("src/shop_defs/__init__.py", "")
    project.write("src/shop_defs/definitions.py", LOAD_DEFS)
    defs = root / "src/shop_defs/defs"
    defs.mkdir()
    (defs / "__init__.py").write_text("")
    return defs


def run_dg(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("dg")
    paths = [str(root / "src"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    env |= {"DG_CLI_CONFIG": os.devnull, "DAGSTER_HOME": "", "COLUMNS": "200"}
    return subprocess.run(
        [program, *words],
        check=False,
        cwd=root,
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
    )


def load(root: Path) -> dg.Definitions:
    """The definitions of the project, in this process."""
    return dg.load_from_defs_folder(path_within_project=root / "src/shop_defs/defs")


def written(defs: Path, text: str) -> None:
    folder = defs / "shop"
    folder.mkdir(exist_ok=True)
    (folder / "defs.yaml").write_text(text)


def keys(defs: dg.Definitions) -> set[str]:
    return {key.to_user_string() for key in defs.resolve_all_asset_keys()}


SHOP = {"shop/api", "shop/api/orders", "shop/api/orders__lines", "shop/api/orders__lines__tags"}


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `dg` project whose module this process can import, and forgets again."""
    dg_project(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "src"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop_defs"]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


def defs_folder(root: Path) -> Path:
    return root / "src/shop_defs/defs"


def test_a_configuration_folder_becomes_the_same_definitions(importable: Path) -> None:
    written(
        defs_folder(importable),
        "type: odp_dlt.OdpProject\nattributes: {config_dir: odp_config}\n",
    )
    assert keys(load(importable)) > SHOP


def test_templates_of_inline_workflows_are_left_to_the_run(importable: Path) -> None:
    attributes = f"workflows:\n{indent(ORDERS, '  ')}resources:\n" + indent(
        CONFIG.partition("resources:\n")[2], "  "
    )
    text = attributes.replace(
        "source_params: {size: 2}", 'source_params: {note: "{{context.run_id}}"}'
    )
    written(defs_folder(importable), f"type: odp_dlt.OdpProject\nattributes:\n{indent(text, '  ')}")
    assert keys(load(importable)) == SHOP


def single(importable: Path, more: str = "") -> None:
    text = f"asset_key: shop/api/orders\nparams:{indent(PARAMS, '  ')}{more}"
    written(defs_folder(importable), f"type: odp_dlt.DltLoad\nattributes:\n{indent(text, '  ')}")


def test_one_load_is_a_component_and_runs(importable: Path) -> None:
    single(importable, "asset: {owners: [team:shop]}\n")
    defs = load(importable)
    assert keys(defs) == SHOP
    with dg.DagsterInstance.ephemeral() as instance:
        job = defs.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(instance=instance)
    assert result.success
    (row,) = rows(importable, "SELECT DISTINCT note FROM shop_data.orders")
    assert row[0] == f"{result.run_id[:8]} & '02.01.'"


def rows(root: Path, query: str) -> Sequence[tuple[object, ...]]:
    import duckdb

    with duckdb.connect(root / "data/shop.db", read_only=True) as con:
        return con.execute(query).fetchall()


def test_several_components_stand_beside_each_other(importable: Path) -> None:
    single(importable)
    for name in ("lines", "all"):
        (defs_folder(importable) / name).mkdir()
    other = (defs_folder(importable) / "shop/defs.yaml").read_text()
    other = other.replace("shop/api/orders", "old_shop/orders")
    (defs_folder(importable) / "lines/defs.yaml").write_text(other)
    project = "type: odp_dlt.OdpProject\nattributes: {config_dir: odp_config}\n"
    (defs_folder(importable) / "all/defs.yaml").write_text(project)
    Project(importable).workflow(ORDERS.replace("shop/api", "whole"))
    defs = load(importable)
    assert keys(defs) > SHOP | {"old_shop/orders", "whole/orders"}
    with dg.DagsterInstance.ephemeral() as instance:
        job = defs.resolve_implicit_global_asset_job_def()
        assert job.execute_in_process(instance=instance).success


def test_what_is_wrong_is_said_with_its_line_in_the_defs_file(importable: Path) -> None:
    single(importable, "asset: {owner: [team:shop]}\n")
    with pytest.raises(Exception, match="Error while building definitions") as e:
        load(importable)
    error: BaseException | None = e.value
    while error is not None and not isinstance(error, ConfigError):
        error = error.__cause__ or error.__context__
    said = str(error)
    assert said.startswith(
        "src/shop_defs/defs/shop/defs.yaml:11:11: unknown key 'owner'\n  Did you mean 'owners'?"
    ), said


def test_a_missing_schema_file_leaves_the_root_table_until_it_is_discovered(
    importable: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (importable / "dlt_project/shop.schema.yaml").unlink()
    single(importable)
    assert keys(load(importable)) == {"shop/api", "shop/api/orders"}
    assert "odp schema export shop/api/orders" in caplog.text
    refreshed = run_dg(importable, "utils", "refresh-defs-state")
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    assert keys(load(importable)) == {"shop/api", "shop/api/orders", "shop/api/orders__lines"}


def test_dg_lists_scaffolds_and_checks_the_components(tmp_path: Path) -> None:
    dg_project(tmp_path)
    listed = run_dg(tmp_path, "list", "components", "--json")
    assert listed.returncode == 0, listed.stderr
    names = {one["key"] for one in json.loads(listed.stdout)["items"]}
    assert {"odp_dlt.OdpProject", "odp_dlt.DltLoad"} <= names
    made = run_dg(
        tmp_path, "scaffold", "defs", "odp_dlt.OdpProject", "all", "--config-dir", "odp_config"
    )
    assert made.returncode == 0, made.stdout + made.stderr
    text = (defs_folder(tmp_path) / "all/defs.yaml").read_text()
    assert "type: odp_dlt.OdpProject" in text
    assert "config_dir: odp_config" in text
    checked = run_dg(tmp_path, "check", "defs")
    assert checked.returncode == 0, checked.stdout + checked.stderr
