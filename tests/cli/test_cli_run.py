import json
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from cli_project import REPOSITORY, SQL, program, write_project
from click.testing import CliRunner, Result

from odp_dlt.cli.main import odp


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.delenv("ODP_CONFIG_PATH", raising=False)
    monkeypatch.chdir(write_project(tmp_path))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(odp, ["run", *arguments])


def rows(project: Path, table: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(project / "data" / "shop.db"), read_only=True) as con:
        return con.execute(f"SELECT * FROM {table}").fetchall()


def replace_in_workflow(project: Path, old: str, new: str) -> None:
    file = project / "odp_config" / "workflows" / "main.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_all_assets_run_each_in_its_own_latest_complete_partition(project: Path) -> None:
    result = run("--output", "json")

    assert result.exit_code == 0, result.stderr
    ends = {end["asset_key"]: end for end in json.loads(result.stdout)}
    assert ends["marts/days"]["partition"] == "2026-01-31"
    assert ends["other/months"]["partition"] == "2026-03-01"
    assert ends["marts/weeks"]["partition"] is None
    assert ends["marts/weeks"]["made"] == [
        {"asset_key": "marts/weeks", "destination_table_id": "main.weeks", "rows": 1}
    ]
    assert rows(project, "weeks") == [("2026-01-31",)]


def test_the_partition_asked_for_is_run(project: Path) -> None:
    result = run("marts/days", "--partition", "2026-01-05")

    assert result.exit_code == 0, result.stderr
    assert rows(project, "days") == [("2026-01-05",)]
    header, row = result.stdout.splitlines()
    assert header.split() == ["asset", "partition", "destination_table_id", "rows", "seconds"]
    assert row.split()[:4] == ["marts/days", "2026-01-05", "main.days", "1"]


def test_a_later_run_of_a_downstream_asset_finds_what_its_parent_reported(project: Path) -> None:
    assert run("marts/days").exit_code == 0

    result = run("--select", "marts/weeks")

    assert result.exit_code == 0, result.stderr
    assert rows(project, "weeks") == [("2026-01-31",)]


def test_a_failure_stops_what_is_downstream_and_nothing_else(project: Path) -> None:
    replace_in_workflow(project, "days AS SELECT", "days AS SELECT nothing,")

    result = run("--output", "json")

    assert result.exit_code == 1
    status = {end["asset_key"]: end["status"] for end in json.loads(result.stdout)}
    assert status == {"marts/days": "failed", "marts/weeks": "skipped", "other/months": "done"}
    assert "marts/weeks: skipped, because marts/days failed" in result.stderr
    assert "DuckDB refuses the SQL" in result.stderr
    assert "odp_config/workflows/main.yaml:3" in result.stderr
    assert "Traceback" not in result.output
    assert "Stack Trace" not in result.output


def test_a_parent_that_never_ran_is_the_writers_fault_and_says_so(project: Path) -> None:
    result = run("marts/weeks")

    assert result.exit_code == 2
    assert "Materialize 'marts_days' first" in result.stderr
    assert not (project / "data" / "shop.db").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["marts/dais"], "Did you mean marts/days? Known: marts/days, marts/weeks, other/months."),
        (["marts/days or marts/weeks"], "is not an asset selection that Dagster can read"),
        (['key:"nothing/at/all"'], "names no asset that can be run"),
        (["--partition", "2026-01-05"], "'2026-01-05' is no partition of 'other/months'"),
        (["marts/weeks", "--partition", "2026-01-05"], "no selected asset has partitions"),
        (["marts/days", "--select", "marts/weeks"], "Give the selection once"),
        (["--output", "xml"], "Invalid value for '--output'"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is(
    project: Path, arguments: list[str], message: str
) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""
    assert not (project / "data").exists()


def test_a_partition_that_is_not_complete_has_to_be_named(project: Path) -> None:
    replace_in_workflow(project, 'start: "2026-01-01", end: "2026-02-01"', 'start: "2999-01-01"')

    result = run("marts/days")

    assert result.exit_code == 2
    assert "no partition of 'marts/days' is complete yet" in result.stderr


def test_a_home_of_dagster_that_does_not_exist_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(project / "nowhere"))

    result = run()

    assert result.exit_code == 2
    assert "DAGSTER_HOME" in result.stderr
    assert not (project / "data").exists()


def test_dagster_keeps_what_happened_in_the_project(project: Path) -> None:
    assert run("marts/days").exit_code == 0

    assert (project / ".odp" / "dagster" / "dagster.yaml").read_text().startswith("telemetry:")


def test_exit_codes_of_the_program(project: Path) -> None:
    elsewhere = project / "elsewhere"
    elsewhere.mkdir()

    good = program(elsewhere, "--config-dir", str(project / "odp_config"), "run", "marts/days")
    bad = program(elsewhere, "run", ODP_CONFIG_PATH=str(project / "nowhere"))

    assert (good.returncode, good.stderr.splitlines()[-1][:13]) == (0, "✓ marts/days:")
    assert rows(project, "days") == [("2026-01-31",)]
    assert bad.returncode == 2
    assert "does not exist" in bad.stderr
    assert "odp init" in bad.stderr


def test_an_interrupt_ends_the_program_with_130(tmp_path: Path) -> None:
    statement = "CREATE OR REPLACE TABLE days AS SELECT '{{context.partition_key}}' AS day"
    work = "CREATE OR REPLACE TABLE days AS SELECT sum(range) FROM range(20000000);"
    write_project(tmp_path, SQL.replace(statement, work * 2000))
    with subprocess.Popen(
        [sys.executable, "-m", "odp_dlt.cli.main", "run", "marts/days"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        while "statement 1 of 2000" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        try:
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()

    assert process.returncode == 130
    assert said.endswith("Interrupted.\n")
    assert "Traceback" not in said
