"""Soda's files of checks: what its program tells becomes a check of an asset, in a step of its own.

Soda Core cannot live beside Dagster, so most of these tests stand for its program with a script
that writes a result in the form of Soda 3.5.6; the last one runs the real one, where it is there.
"""

import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from odp_dlt.errors import ConfigError
from tests.definitions.shop_project import CONFIG, ORDERS, Project, shop

ROOT = "shop/api/orders"
RESOURCE = """
  - resource_kind: soda
    params: {project_dir: soda, checks_dir: checks, program: bin/soda}
"""
SODA = """
soda_checks:
  - {asset_key: shop/api/orders, check_file_path: sane_orders.yml, data_source: shop}
"""
PROGRAM = """#!{python}
import json, os, sys
arguments = sys.argv[1:]
with open("asked.json", "w") as file:
    json.dump([arguments, os.getcwd(), os.environ["OTEL_SDK_DISABLED"]], file)
print("Soda Core 3.5.6")
result = {result!r}
if result is None:
    sys.exit("no data source 'shop'")
with open(arguments[arguments.index("-srf") + 1], "w") as file:
    json.dump(result, file)
"""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def told(outcomes: dict[str, str | None], *errors: str) -> dict[str, Any]:
    return {
        "checks": [{"name": name, "outcome": outcome} for name, outcome in outcomes.items()],
        "logs": [{"level": "info", "message": "x"}]
        + [{"level": "error", "message": message} for message in errors],
    }


def with_soda(root: Path, result: Any = None, workflow: str = ORDERS + SODA) -> Project:
    project = shop(root, workflow)
    project.write("odp_config/dagster_config.yaml", CONFIG + RESOURCE)
    project.write("soda/configuration.yml", "data_source shop:\n  type: duckdb\n")
    project.write("soda/checks/sane_orders.yml", "checks for orders:\n  - row_count > 0\n")
    program = project.write("bin/soda", PROGRAM.format(python=sys.executable, result=result))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return project


def judged(project: Project, instance: dg.DagsterInstance) -> tuple[Any, str]:
    """The result of the Soda check, None if there is none; and why the run failed."""
    result = (
        project.build()
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(instance=instance, raise_on_error=False)
    )
    found = [
        event.asset_check_evaluation_data
        for event in result.all_events
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
        and event.asset_check_evaluation_data.check_name == "sane_orders"
    ]
    errors = [e.step_failure_data for e in result.all_events if e.is_step_failure]
    said = [e.user_failure_data.description or "" if e.user_failure_data else "" for e in errors]
    return (found[0] if found else None), "\n".join(said) if errors else "green"


@pytest.mark.parametrize(
    ("result", "passed", "severity", "said"),
    [
        (told({"a": "pass", "b": "pass"}), True, "WARN", "all 2 passed"),
        (told({"a": "pass", "b": "warn"}), False, "WARN", "warned: b"),
        (told({"a": "fail", "b": "warn"}), False, "ERROR", "failed: a; warned: b"),
        (told({"a": None, "b": "pass"}), False, "ERROR", "not judged: a"),
        (told({}, "no such column"), False, "ERROR", "no such column"),
        (told({}), False, "ERROR", "Soda found no check in the file"),
    ],
)
def test_the_worst_of_a_file_decides(
    tmp_path: Path,
    instance: dg.DagsterInstance,
    result: dict[str, Any],
    passed: bool,
    severity: str,
    said: str,
) -> None:
    found, why = judged(with_soda(tmp_path, result), instance)
    assert (found.passed, found.description) == (passed, said)
    assert passed or found.severity.value == severity
    assert (why == "green") == (severity == "WARN")


def test_of_checks_with_one_name_the_worst_counts(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    result = told({"a": "pass"})
    result["checks"] += [{"name": "a", "outcome": "fail"}, {"name": "a", "outcome": "pass"}]
    found, _ = judged(with_soda(tmp_path, result), instance)
    assert found.metadata["outcomes"].value == {"a": "fail"}


def test_a_check_that_does_not_block_lets_the_run_go_on(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    lax = ORDERS + SODA.replace("data_source: shop", "data_source: shop, blocking: false")
    found, why = judged(with_soda(tmp_path, told({"a": "fail"}), lax), instance)
    assert (found.passed, why) == (False, "green")


def test_the_program_is_asked_as_soda_wants_it_and_sends_nothing_home(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    judged(with_soda(tmp_path, told({"a": "pass"})), instance)
    arguments, folder, disabled = json.loads((tmp_path / "asked.json").read_text())
    assert arguments[:5] == ["scan", "-d", "shop", "-c", str(tmp_path / "soda/configuration.yml")]
    assert arguments[-1] == str(tmp_path / "soda/checks/sane_orders.yml")
    assert (folder, disabled) == (str(tmp_path), "true")


def test_a_program_without_a_result_fails_the_step_with_its_own_words(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    found, why = judged(with_soda(tmp_path), instance)
    assert found is None
    assert "Soda told of no result: " in why
    assert "no data source 'shop'" in why


def test_without_its_program_a_check_fails_and_says_how_to_get_it(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    project = with_soda(tmp_path)
    (tmp_path / "bin/soda").unlink()
    found, why = judged(project, instance)
    assert found is None
    assert why.startswith("odp_config/workflows/shop.yaml:17:")
    assert "Soda's program 'bin/soda' is not there" in why
    assert "python3 -m venv .soda && .soda/bin/pip install soda-core-postgres" in why


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("shop/api/orders, check", "shop/api/order, check", "no asset has the key"),
        ("sane_orders.yml", "insane.yml", "the file of checks is not there"),
    ],
)
def test_what_is_not_there_is_told_before_any_run(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as e:
        with_soda(tmp_path, workflow=ORDERS + SODA.replace(old, new)).build()
    assert str(e.value).startswith("odp_config/workflows/shop.yaml:17:")


def test_a_project_without_the_resource_is_told(tmp_path: Path) -> None:
    project = with_soda(tmp_path)
    project.write("odp_config/dagster_config.yaml", CONFIG)
    with pytest.raises(ConfigError, match="no resource of kind 'soda' is configured"):
        project.build()


def test_two_checks_of_one_name_are_refused(tmp_path: Path) -> None:
    own = "    checks: [{type: unique, columns: [id], name: sane_orders}]\n"
    with pytest.raises(ConfigError, match="has two checks 'sane_orders'; the first is in its"):
        with_soda(tmp_path, workflow=ORDERS + own + SODA).build()


@pytest.mark.skipif(not os.environ.get("ODP_TEST_SODA"), reason="ODP_TEST_SODA names no program")
def test_the_real_program_judges_a_duckdb_file(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    project = with_soda(tmp_path)
    resource = RESOURCE.replace("bin/soda", os.environ["ODP_TEST_SODA"])
    project.write("odp_config/dagster_config.yaml", CONFIG + resource)
    project.write(
        "soda/configuration.yml",
        "data_source shop:\n  type: duckdb\n  path: data/shop.db\n  schema: shop_data\n"
        "  read_only: true\n",
    )
    checks = "checks for orders:\n  - row_count > 0\n  - duplicate_count(id) = 0\n"
    project.write("soda/checks/sane_orders.yml", checks)
    found, why = judged(project, instance)
    assert (found.passed, why) == (True, "green"), found.description
    with duckdb.connect(str(tmp_path / "data/shop.db")) as con:
        con.execute("INSERT INTO shop_data.orders SELECT * FROM shop_data.orders")
    found, why = judged(project, instance)
    assert not found.passed
    assert found.description == "failed: duplicate_count(id) = 0"
