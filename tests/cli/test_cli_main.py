import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import odp_dlt
from odp_dlt.cli.main import odp

Program = Callable[..., "subprocess.CompletedProcess[str]"]


def test_every_command_is_found_by_its_file() -> None:
    result = CliRunner().invoke(odp, ["--help"])

    assert result.exit_code == 0
    shown = result.stdout.partition("Commands:")[2].splitlines()
    names = [line.split()[0] for line in shown if line.strip()]
    assert {"init", "run", "schema", "validate", "version"} <= set(names)
    assert not {"main", "project", "terminal"} & set(names)


def test_help_is_there_at_once_because_dagster_is_not_imported(
    tmp_path: Path, program: Program, python: Program
) -> None:
    code = "import sys; from odp_dlt.cli import main, run, schema, validate; print(*sys.modules)"
    imported = python(tmp_path, "-c", code).stdout.split()
    begun = time.monotonic()

    result = program(tmp_path, "--help")

    assert result.returncode == 0
    assert time.monotonic() - begun < 2  # seconds; a quiet machine needs a fifth of one
    assert not {"dagster", "duckdb", "pyarrow"} & set(imported)


def test_versions_are_told() -> None:
    short = CliRunner().invoke(odp, ["--version"])
    long = CliRunner().invoke(odp, ["version"])

    assert short.stdout == f"odp {odp_dlt.__version__}\n"
    assert long.stdout.splitlines()[0] == f"odp {odp_dlt.__version__}"
    assert "dagster 1." in long.stdout


@pytest.mark.parametrize("command", [["run"], ["validate"], ["schema", "export", "a/b"]])
def test_a_missing_configuration_folder_leads_to_init(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(odp, command, env={"ODP_CONFIG_PATH": None})

    assert result.exit_code == 2
    assert "the configuration folder 'odp_config' does not exist" in result.stderr
    assert "odp init DIR" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_error_shows_its_stack_only_when_asked(sql_project: Path, program: Program) -> None:
    (sql_project / "odp_config" / "workflows" / "main.yaml").write_text("assets: [")

    quiet = program(sql_project, "validate")
    loud = program(sql_project, "-v", "validate")

    assert (quiet.returncode, loud.returncode) == (2, 2)
    assert "main.yaml:2:1" in quiet.stderr
    assert "Traceback" not in quiet.stderr
    assert "Traceback" in loud.stderr


def test_what_nobody_expected_is_one_line_and_the_way_to_more(
    sql_project: Path, program: Program
) -> None:
    (sql_project / ".odp").write_text("in the way of a folder")

    result = program(sql_project, "run")

    assert result.returncode == 1
    assert "Unexpected" in result.stderr
    assert "odp -v" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_command_is_bad_usage(tmp_path: Path, program: Program) -> None:
    result = program(tmp_path, "rnu")

    assert result.returncode == 2
    assert "No such command 'rnu'" in result.stderr
