import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from odp_dlt.cli.main import odp

Program = Callable[..., "subprocess.CompletedProcess[str]"]
Edit = Callable[[Path, str, str], None]
WORKFLOW = "odp_config/workflows/main.yaml"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(odp, ["run", *arguments])


def rows(sql_project: Path, table: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(sql_project / "data" / "shop.db"), read_only=True) as con:
        return con.execute(f"SELECT * FROM {table}").fetchall()


def test_all_assets_run_each_in_its_own_latest_complete_partition(sql_project: Path) -> None:
    result = run("--output", "json")

    assert result.exit_code == 0, result.stderr
    ends = {end["asset_key"]: end for end in json.loads(result.stdout)}
    assert ends["marts/days"]["partition"] == "2026-01-31"
    assert ends["other/months"]["partition"] == "2026-03-01"
    assert ends["marts/weeks"]["partition"] is None
    assert ends["marts/weeks"]["made"] == [
        {"asset_key": "marts/weeks", "destination_table_id": "main.weeks", "rows": 1}
    ]
    assert rows(sql_project, "weeks") == [("2026-01-31",)]


def test_the_partition_asked_for_is_run(sql_project: Path) -> None:
    result = run("marts/days", "--partition", "2026-01-05")

    assert result.exit_code == 0, result.stderr
    assert rows(sql_project, "days") == [("2026-01-05",)]
    header, row = result.stdout.splitlines()
    assert header.split() == ["asset", "partition", "destination_table_id", "rows", "seconds"]
    assert row.split()[:4] == ["marts/days", "2026-01-05", "main.days", "1"]


def test_a_later_run_of_a_downstream_asset_finds_what_its_parent_reported(
    sql_project: Path,
) -> None:
    assert run("marts/days").exit_code == 0

    result = run("--select", "marts/weeks")

    assert result.exit_code == 0, result.stderr
    assert rows(sql_project, "weeks") == [("2026-01-31",)]


def test_a_failure_stops_what_is_downstream_and_nothing_else(sql_project: Path, edit: Edit) -> None:
    edit(sql_project / WORKFLOW, "days AS SELECT", "days AS SELECT nothing,")

    result = run("--output", "json")

    assert result.exit_code == 1
    status = {end["asset_key"]: end["status"] for end in json.loads(result.stdout)}
    assert status == {"marts/days": "failed", "marts/weeks": "skipped", "other/months": "done"}
    assert "marts/weeks: skipped, because marts/days failed" in result.stderr
    assert "DuckDB refuses the SQL" in result.stderr
    assert "odp_config/workflows/main.yaml:3" in result.stderr
    assert "Traceback" not in result.output
    assert "Stack Trace" not in result.output


def test_a_parent_that_never_ran_is_the_writers_fault_and_says_so(sql_project: Path) -> None:
    result = run("marts/weeks")

    assert result.exit_code == 2
    assert "Materialize 'marts_days' first" in result.stderr
    assert not (sql_project / "data" / "shop.db").exists()


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
    sql_project: Path, arguments: list[str], message: str
) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""
    assert not (sql_project / "data").exists()


def test_a_partition_that_is_not_complete_has_to_be_named(sql_project: Path, edit: Edit) -> None:
    edit(sql_project / WORKFLOW, 'start: "2026-01-01", end: "2026-02-01"', 'start: "2999-01-01"')

    result = run("marts/days")

    assert result.exit_code == 2
    assert "no partition of 'marts/days' is complete yet" in result.stderr


def test_a_home_of_dagster_that_does_not_exist_is_named(
    sql_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(sql_project / "nowhere"))

    result = run()

    assert result.exit_code == 2
    assert "DAGSTER_HOME" in result.stderr
    assert not (sql_project / "data").exists()


def test_dagster_keeps_what_happened_in_the_project(sql_project: Path) -> None:
    assert run("marts/days").exit_code == 0

    assert (sql_project / ".odp" / "dagster" / "dagster.yaml").read_text().startswith("telemetry:")


def test_exit_codes_of_the_program(sql_project: Path, program: Program) -> None:
    elsewhere = sql_project / "elsewhere"
    elsewhere.mkdir()

    good = program(elsewhere, "--config-dir", str(sql_project / "odp_config"), "run", "marts/days")
    bad = program(elsewhere, "run", ODP_CONFIG_PATH=str(sql_project / "nowhere"))

    assert (good.returncode, good.stderr.splitlines()[-1][:13]) == (0, "✓ marts/days:")
    assert rows(sql_project, "days") == [("2026-01-31",)]
    assert bad.returncode == 2
    assert "does not exist" in bad.stderr
    assert "odp init" in bad.stderr


def test_an_interrupt_ends_the_program_with_130(sql_project: Path, edit: Edit) -> None:
    statement = "CREATE OR REPLACE TABLE days AS SELECT '{{context.partition_key}}' AS day"
    work = "CREATE OR REPLACE TABLE days AS SELECT sum(range) FROM range(20000000);"
    edit(sql_project / WORKFLOW, statement, work * 2000)
    with subprocess.Popen(
        [sys.executable, "-m", "odp_dlt.cli.main", "run", "marts/days"],
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

    assert process.returncode == 130, said
    assert said.endswith("Interrupted.\n")
    assert "Traceback" not in said


def test_what_needs_a_table_that_does_not_exist_yet_is_skipped_without_a_failure(
    shop: Path, edit: Edit
) -> None:
    edit(shop / "dlt_project/shop/source.py", "[: 1 + number % len(PRODUCTS)]", "[:0]")

    result = run()

    assert result.exit_code == 0, result.stderr
    assert (
        "shop/marts/product_sales: skipped, because shop/api/orders__items has no rows yet"
        in result.stderr
    )


def test_a_table_that_is_no_asset_yet_is_a_warning_that_stays(shop: Path, edit: Edit) -> None:
    edit(shop / "dlt_project/shop/source.py", '"status":', '"tags": ["new"], "status":')

    result = run("shop/api/orders")

    assert result.exit_code == 0, result.stderr
    said = (
        "! check schema of shop/api/orders: the schema file lacks table orders__tags. Accept it: "
    )
    assert f"{said}odp schema export shop/api/orders\n" in result.stderr
    assert "odp schema export shop/api/orders" in result.stderr


def test_one_table_selected_loads_its_whole_resource(shop: Path) -> None:
    result = run("shop/api/orders__items", "--output", "json")

    assert result.exit_code == 0, result.stderr
    (end,) = json.loads(result.stdout)
    assert {one["asset_key"]: one["rows"] for one in end["made"]} == {
        "shop/api/orders": 40,
        "shop/api/orders__items": 100,
    }


CHECKED = """    params:
      query: CREATE OR REPLACE TABLE days AS SELECT '{{context.partition_key}}' AS day
    checks:
      - {type: row_bounds, min_total: 1}
      - {type: row_bounds, name: more, min_total: 2, severity: SEVERITY}
"""
UNCHECKED = CHECKED.partition("    checks:")[0]


def test_a_check_that_warns_is_shown_and_the_code_is_0(sql_project: Path, edit: Edit) -> None:
    edit(sql_project / WORKFLOW, UNCHECKED, CHECKED.replace("SEVERITY", "warn"))

    result = run("marts/days")

    assert result.exit_code == 0
    assert "1 of 2 checks passed" in result.stderr
    said = "check more of marts/days: 1 row in all, not at least 2 rows in all"
    assert f"! {said}" in result.stderr
    assert "Check failed" not in result.stderr


def test_a_check_that_fails_is_an_exit_code_although_nothing_else_stops(
    sql_project: Path, edit: Edit
) -> None:
    edit(sql_project / WORKFLOW, UNCHECKED, CHECKED.replace("SEVERITY", "error"))

    result = run('key:"marts/days"+', "--output", "json")

    assert result.exit_code == 1
    days, weeks = json.loads(result.stdout)
    assert (days["status"], weeks["status"]) == ("done", "done")
    assert days["checks"] == [
        {
            "asset_key": "marts/days",
            "name": "row_bounds",
            "passed": True,
            "severity": "error",
            "description": "1 row in all",
        },
        {
            "asset_key": "marts/days",
            "name": "more",
            "passed": False,
            "severity": "error",
            "description": "1 row in all, not at least 2 rows in all",
        },
    ]
    assert "Check failed: marts/days more\n  1 row in all, not at least 2" in result.stderr


def test_a_check_that_blocks_fails_its_asset_and_skips_what_follows(
    sql_project: Path, edit: Edit
) -> None:
    blocking = CHECKED.replace("SEVERITY", "error, blocking: true")
    edit(sql_project / WORKFLOW, UNCHECKED, blocking)

    result = run('key:"marts/days"+', "--output", "json")

    assert result.exit_code == 1
    days, weeks = json.loads(result.stdout)
    assert (days["status"], weeks["status"]) == ("failed", "skipped")
    assert days["made"] == [
        {"asset_key": "marts/days", "destination_table_id": "main.days", "rows": 1}
    ]
    assert days["problem"]["message"] == "a blocking check has not passed"
    assert "Check failed: marts/days more" in result.stderr
