import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from odp_dlt.cli.main import odp

Program = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_new_project_runs_at_once(tmp_path: Path, program: Program) -> None:
    made = program(tmp_path, "init", "shop")
    ran = program(tmp_path / "shop", "run")
    valid = program(tmp_path / "shop", "validate")

    assert made.stdout.splitlines() == ["  cd shop", "  odp run", "  dagster dev"]
    assert (made.returncode, ran.returncode, valid.returncode) == (0, 0, 0), ran.stderr
    table = [line.split()[:-1] for line in ran.stdout.splitlines()[1:]]
    assert table[0] == ["shop/api/orders", "shop_data.orders", "40"]
    assert [line.split()[0] for line in ran.stdout.splitlines()[1:]] == [
        "shop/api/orders",
        "shop/api/orders__items",
        "shop/marts/product_sales",
    ]
    assert valid.stdout.startswith("Valid: odp_config: 2 workflow assets, 3 assets")


def test_dagster_loads_a_new_project(tmp_path: Path, program: Program, python: Program) -> None:
    program(tmp_path, "init", "shop")

    result = python(tmp_path / "shop", "-m", "dagster", "definitions", "validate")

    assert result.returncode == 0, result.stderr


def test_the_schema_file_of_a_new_project_is_what_its_source_gives(
    tmp_path: Path, program: Program
) -> None:
    program(tmp_path, "init", "shop")

    result = program(tmp_path / "shop", "schema", "export", "shop/api/orders")

    assert result.stdout.startswith("Already up to date"), result.stderr


def test_a_project_has_the_name_of_its_folder_or_the_one_given(tmp_path: Path) -> None:
    CliRunner().invoke(odp, ["init", str(tmp_path / "my shop")])
    CliRunner().invoke(odp, ["init", str(tmp_path / "other"), "--name", "tea-house"])

    assert 'name = "my-shop"' in (tmp_path / "my shop" / "pyproject.toml").read_text()
    assert (tmp_path / "other" / "README.md").read_text().startswith("# tea-house\n")
    assert (tmp_path / "other" / ".gitignore").exists()


def test_nothing_is_overwritten_and_what_is_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "dlt_project").write_text("mine too")

    result = CliRunner().invoke(odp, ["init", str(tmp_path)])

    assert result.exit_code == 2
    assert "README.md" in result.stderr
    assert "dlt_project\n" in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"README.md", "dlt_project"}
    assert (tmp_path / "README.md").read_text() == "mine"


@pytest.mark.parametrize("name", ["-x", "a b", ""])
def test_a_name_that_no_package_can_have_is_refused(name: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(odp, ["init", str(tmp_path / "p"), f"--name={name}"])

    assert result.exit_code == 2
    assert "cannot be the name of a Python project" in result.stderr
    assert not (tmp_path / "p").exists()
