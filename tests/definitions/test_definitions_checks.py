"""Checks of the workflow files in real runs, in every way that they can be selected."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from odp_dlt.errors import ConfigError
from tests.definitions.shop_project import LINES, ORDERS, Project, shop

ROOT, NESTED = "shop/api/orders", "shop/api/orders__lines"

CHECKS = """
    checks:
      - {type: unique, columns: [id]}
      - {type: row_bounds, min_loaded: 1, blocking: true, name: enough}
      - {type: reconciliation}
      - {type: contract}
    tables:
      "*":
        checks: [{type: expression, condition: '_dlt_id IS NOT NULL'}]
      orders__lines:
        checks:
          - {type: orphans, severity: warn}
          - {type: not_null, columns: [sku]}
"""
NAMES = {
    f"{ROOT} schema", f"{ROOT} unique", f"{ROOT} enough", f"{ROOT} reconciliation",
    f"{ROOT} contract", f"{ROOT} expression", f"{NESTED} expression", f"{NESTED} orphans",
    f"{NESTED} not_null", f"{NESTED}__tags expression",
}  # fmt: skip


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@dataclass(frozen=True)
class Outcome:
    success: bool
    made: list[str]
    checks: dict[str, Any]
    errors: list[str]

    @property
    def failed(self) -> set[str]:
        return {name for name, check in self.checks.items() if not check.passed}


def run(
    project: Project, instance: dg.DagsterInstance, selection: dg.AssetSelection, **how: Any
) -> Outcome:
    """One run of a job with the selection, and what it recorded."""
    defs = project.build()
    job = dg.define_asset_job("chosen", selection=selection)
    found = dg.Definitions.merge(defs, dg.Definitions(jobs=[job])).resolve_job_def("chosen")
    result = found.execute_in_process(instance=instance, raise_on_error=False, **how)
    made, checks = [], {}
    for event in result.all_events:
        if event.is_step_materialization:
            made.append(event.step_materialization_data.materialization.asset_key.to_user_string())
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            data = event.asset_check_evaluation_data
            checks[f"{data.asset_key.to_user_string()} {data.check_name}"] = data
    errors = [e.step_failure_data.error for e in result.all_events if e.is_step_failure]
    return Outcome(result.success, made, checks, [e.to_string() for e in errors if e])


def key(name: str) -> dg.AssetKey:
    return dg.AssetKey(name.split("/"))


def with_checks(root: Path, checks: str = CHECKS, more: str = "") -> Project:
    return shop(root, ORDERS + checks + more)


def test_a_run_judges_every_check_of_every_table(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    found = run(with_checks(tmp_path), instance, dg.AssetSelection.all())
    assert found.success, found.errors
    assert set(found.checks) == NAMES
    assert found.failed == set()
    unique = found.checks[f"{ROOT} unique"]
    assert unique.metadata["repeated_values"].value == 0
    assert unique.target_materialization_data is not None


def test_a_second_load_breaks_what_it_makes_twice_and_the_run_stays_green(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    project = with_checks(tmp_path)
    run(project, instance, dg.AssetSelection.all())
    found = run(project, instance, dg.AssetSelection.all())
    assert found.success
    assert found.failed == {f"{ROOT} unique"}
    unique = found.checks[f"{ROOT} unique"]
    assert unique.severity == dg.AssetCheckSeverity.ERROR
    assert unique.description == "2 values of id in 4 rows"
    (first, _) = unique.metadata["sample"].records
    assert first.data["rows"] == 2


def test_a_blocking_check_fails_the_step_after_all_is_told_and_is_not_tried_again(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    retried = CHECKS + "    retry_policy: {max_retries: 3}\n"
    project = with_checks(tmp_path, retried.replace("min_loaded: 1", "min_loaded: 9"), LINES)
    found = run(project, instance, dg.AssetSelection.all())
    assert not found.success
    assert found.made == [ROOT, NESTED]
    assert set(found.checks) == NAMES
    assert found.failed == {f"{ROOT} enough"}
    (error,) = found.errors
    assert "blocking asset check failed" in error


def test_a_check_that_warns_lets_all_go_on(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    checks = """
    checks: [{type: row_bounds, min_loaded: 9, severity: warn}]
"""
    found = run(with_checks(tmp_path, checks, LINES), instance, dg.AssetSelection.all())
    assert found.success
    assert found.checks[f"{ROOT} row_bounds"].severity == dg.AssetCheckSeverity.WARN
    assert "mart/lines" in found.made


def test_checks_alone_look_at_what_is_there_and_load_nothing(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    project = with_checks(tmp_path)
    run(project, instance, dg.AssetSelection.all())
    (project.root / "dlt_project/shop/source.py").write_text("raise RuntimeError('not now')")
    found = run(project, instance, dg.AssetSelection.all_asset_checks())
    assert found.success, found.errors
    assert found.made == []
    assert set(found.checks) == NAMES
    assert found.failed == set()
    assert found.checks[f"{ROOT} enough"].metadata["rows_loaded"].value == 2


def test_checks_alone_before_any_load_do_not_pass_by_silence(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    found = run(with_checks(tmp_path), instance, dg.AssetSelection.all_asset_checks())
    assert found.failed == {
        f"{ROOT} {name}" for name in ("schema", "enough", "reconciliation", "contract")
    }
    assert not (tmp_path / "data").exists()


def test_one_check_can_be_chosen_of_many(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    project = with_checks(tmp_path)
    run(project, instance, dg.AssetSelection.all())
    chosen = dg.AssetSelection.checks(dg.AssetCheckKey(key(NESTED), "orphans"))
    assert set(run(project, instance, chosen).checks) == {f"{NESTED} orphans"}


def test_assets_can_be_chosen_without_their_checks(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    chosen = dg.AssetSelection.all() - dg.AssetSelection.all_asset_checks()
    found = run(with_checks(tmp_path), instance, chosen)
    assert found.made == [ROOT, NESTED]
    assert found.checks == {}


def test_one_table_is_judged_by_its_own_checks(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    found = run(with_checks(tmp_path), instance, dg.AssetSelection.assets(key(NESTED)))
    assert set(found.made) == {ROOT, NESTED}
    assert {name.split()[0] for name in found.checks} == {NESTED}


DAILY = """
partitions:
  - assets: [shop/api/orders]
    params: {start: "2026-01-01", schedule_type: DAILY}
"""


def test_checks_of_a_partitioned_asset_are_judged_in_its_runs_and_alone(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    templated = ORDERS.replace("size: 2", "size: 2, day: '{{context.partition_key}}'")
    project = shop(tmp_path, templated + CHECKS + DAILY)
    source = project.root / "dlt_project/shop/source.py"
    source.write_text(source.read_text().replace("size: int = 1", "size: int = 1, day: str = ''"))
    found = run(project, instance, dg.AssetSelection.all(), partition_key="2026-01-02")
    assert found.success, found.errors
    assert set(found.checks) == NAMES
    alone = run(project, instance, dg.AssetSelection.all_asset_checks())
    assert alone.success, alone.errors
    assert alone.failed == set()
    assert set(alone.checks) == NAMES


def test_checks_alone_are_refused_where_only_a_partition_says_where_the_table_is(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    moving = ORDERS.replace("shop_data", "'shop_{{context.partition_key}}'")
    project = shop(tmp_path, moving + CHECKS + DAILY)
    alone = run(project, instance, dg.AssetSelection.all_asset_checks())
    said = alone.checks[f"{ROOT} unique"].description
    assert "where the tables are depends on the run" in said


def test_strict_assets_are_judged_whole(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    project = with_checks(tmp_path, CHECKS + "    selection_mode: strict\n")
    found = run(project, instance, dg.AssetSelection.all())
    assert found.success, found.errors
    assert set(found.checks) == NAMES


def test_the_table_of_a_query_is_judged_by_where_it_was_made(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    lines = (
        LINES
        + """
    checks:
      - {type: unique, columns: [sku]}
      - {type: row_bounds, min_total: 4}
"""
    )
    project = shop(tmp_path, ORDERS + lines)
    found = run(project, instance, dg.AssetSelection.all())
    assert found.success, found.errors
    assert found.failed == {"mart/lines unique"}
    assert found.checks["mart/lines row_bounds"].metadata["rows_total"].value == 4
    alone = run(project, instance, dg.AssetSelection.checks_for_assets(key("mart/lines")))
    assert set(alone.checks) == {"mart/lines unique", "mart/lines row_bounds"}
    assert alone.failed == {"mart/lines unique"}


def test_a_check_that_cannot_be_judged_has_not_passed_and_the_others_are(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    checks = """
    checks:
      - {type: expression, condition: "nonsense(id)"}
      - {type: row_bounds, min_total: 1}
"""
    found = run(with_checks(tmp_path, checks), instance, dg.AssetSelection.all())
    assert found.success
    assert found.failed == {f"{ROOT} expression"}
    said = found.checks[f"{ROOT} expression"].description
    assert said.startswith("it cannot be judged: ")
    assert "nonsense" in said


def test_what_contracts_leave_out_is_counted_for_the_checks(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    project = with_checks(tmp_path)
    source = project.root / "dlt_project/shop/source.py"
    strict = '{"columns": "discard_row", "tables": "discard_row"} if size > 2 else None'
    contract = f'name="orders", schema_contract={strict}'
    rows = '{"id": 8, "vat": 1}, {"id": 9, "notes": [{"n": 1}, {"n": 2}]}, None'
    source.write_text(
        source.read_text()
        .replace('name="orders"', contract)
        .replace("yield [", f"yield ([{rows}] if size > 2 else []) + [")
    )
    assert run(project, instance, dg.AssetSelection.all()).failed == set()
    project.workflow((ORDERS + CHECKS).replace("size: 2", "size: 3"))
    found = run(project, instance, dg.AssetSelection.all())
    assert f"{ROOT} contract" in found.failed
    contracted = found.checks[f"{ROOT} contract"].metadata
    assert contracted["rows_rejected"].value == 1
    assert contracted["rows_of_tables_rejected"].value == 2
    reconciled = found.checks[f"{ROOT} reconciliation"]
    assert reconciled.passed, reconciled.description
    assert reconciled.metadata["rows_extracted"].value == 5


def test_a_user_s_own_class_is_a_check_by_its_dotted_name(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = with_checks(
        tmp_path,
        """
    checks: [{type: own_checks.Odd, times: 3}]
""",
    )
    project.write(
        "own_checks.py",
        """
from odp_dlt.checks.base import Check, Verdict


class Odd(Check):
    times: int

    @property
    def promise(self):
        return "an odd number of rows"

    def judge(self, subject):
        return Verdict(subject.facts["rows_loaded"] * self.times % 2 == 1, "counted")
""",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    found = run(project, instance, dg.AssetSelection.all())
    assert found.failed == {f"{ROOT} Odd"}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{type: uniqe, columns: [id]}", "no check is named 'uniqe'\n  Did you mean 'unique'?"),
        ("{type: unique, colums: [id]}", "unknown param 'colums'\n  Did you mean 'columns'?"),
        ("{type: unique}", "the param 'columns' is missing"),
        ("{type: unique, columns: [i]}", "'shop/api/orders' has no column 'i'"),
        ("{type: unique, columns: ['{{env.X}}']}", "a check has no templates"),
        ("{type: freshness, column: id, max_age: soon}", "a span of time such as 90s"),
        ("{type: schema, blocking: true, severity: warn}", "only warns blocks nothing"),
        ("{type: schema, name: 'a b'}", "'a b' cannot be the name of a check"),
        ("{type: schema, severity: bad}", "'checks.0.severity' cannot be 'bad'"),
    ],
)
def test_what_is_wrong_with_a_check_is_told_with_its_place(
    tmp_path: Path, written: str, said: str
) -> None:
    project = with_checks(tmp_path, f"\n    checks:\n      - {written}\n")
    with pytest.raises(ConfigError) as e:
        project.build()
    assert str(e.value).startswith("odp_config/workflows/shop.yaml:17:")
    assert said in str(e.value)


def test_two_checks_of_one_name_are_told_with_both_places(tmp_path: Path) -> None:
    checks = """
    checks: [{type: unique, columns: [id]}]
    tables: {orders: {checks: [{type: unique, columns: [id]}]}}
"""
    with pytest.raises(ConfigError) as e:
        with_checks(tmp_path, checks).build()
    assert "two checks of 'shop/api/orders' are named 'unique'" in str(e.value)
    assert "shop.yaml:16:" in str(e.value)
    assert str(e.value).startswith("odp_config/workflows/shop.yaml:17:")


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        ("[{type: contract}]", "'contract' is about loads, and 'duckdb_query' makes none"),
        ("[{type: schema}]", "'schema' is about loads"),
    ],
)
def test_a_check_of_loads_is_refused_where_nothing_is_loaded(
    tmp_path: Path, checks: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        shop(tmp_path, ORDERS + LINES + f"    checks: {checks}\n").build()


def test_a_written_schema_check_takes_the_place_of_the_one_that_is_always_there(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    project = with_checks(
        tmp_path,
        """
    checks: [{type: schema, name: drift, blocking: true}]
""",
    )
    found = run(project, instance, dg.AssetSelection.all())
    assert set(found.checks) == {f"{ROOT} drift"}


def test_a_table_whose_rows_were_all_left_out_is_judged_although_it_does_not_exist(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    project = with_checks(tmp_path)
    source = project.root / "dlt_project/shop/source.py"
    contract = 'name="orders", schema_contract={"tables": "discard_row"}'
    source.write_text(source.read_text().replace('name="orders"', contract))
    found = run(project, instance, dg.AssetSelection.all())
    assert found.made == []
    assert found.failed == {f"{ROOT} enough", f"{ROOT} contract"}
    assert found.checks[f"{ROOT} contract"].metadata["rows_rejected"].value == 2
    assert found.checks[f"{ROOT} reconciliation"].passed
