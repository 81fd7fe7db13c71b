"""The JSON Schemas take what the package takes, and refuse what it refuses."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from odp_dlt.definitions.editor_schema import CONFIG, WORKFLOW, editor_schemas
from odp_dlt.workflow.positions import read
from tests.definitions.shop_project import CONFIG as SHOP_CONFIG
from tests.definitions.shop_project import LINES, ORDERS

ROOT = Path(__file__).parents[2]
SCHEMAS = editor_schemas()


def problems(name: str, value: Any) -> list[str]:
    checker = jsonschema.Draft202012Validator(SCHEMAS[name])
    return [f"{error.json_path}: {error.message}" for error in checker.iter_errors(value)]


def orders(**params: Any) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(ORDERS)
    found["assets"][0]["params"] |= params
    return found


@pytest.mark.parametrize("name", [WORKFLOW, CONFIG])
def test_a_schema_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize(
    "file", sorted((ROOT / "odp_config").rglob("*.yaml")), ids=lambda file: file.name
)
def test_the_example_fits(file: Path) -> None:
    name = CONFIG if file.name == "dagster_config.yaml" else WORKFLOW
    assert problems(name, read(file, file).value) == []


def test_a_project_fits() -> None:
    assert problems(WORKFLOW, yaml.safe_load(ORDERS + LINES)) == []
    assert problems(CONFIG, yaml.safe_load(SHOP_CONFIG)) == []


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"destinatio": "duckdb"}, "('destinatio' was unexpected)"),
        ({"run_params": {"write_disposition": "apend"}}, "'apend'"),
        ({"destination_params": {"databas": "x"}}, "('databas' was unexpected)"),
        ({"run_params": {"limit": "many"}}, "'many'"),
    ],
)
def test_wrong_params_of_a_kind_do_not_fit(params: dict[str, Any], said: str) -> None:
    found = problems(WORKFLOW, orders(**params))
    assert any(said in problem for problem in found), found


def test_a_template_can_stand_for_a_number() -> None:
    assert problems(WORKFLOW, orders(run_params={"limit": "{{env.ROWS}}"})) == []


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"owner": ["team:a"]}, "('owner' was unexpected)"),
        ({"timeout": "soon"}, "'soon' is not valid"),
        ({"backfill_policy": "single"}, "'single' is not valid"),
        ({"tables": {"a": {"tag": {}}}}, "('tag' was unexpected)"),
    ],
)
def test_wrong_keys_of_an_asset_do_not_fit(entry: dict[str, Any], said: str) -> None:
    found = orders()
    found["assets"][0] |= entry
    assert any(said in problem for problem in problems(WORKFLOW, found))


def test_triggers_fit_or_not() -> None:
    def jobs(sensor: dict[str, Any], schedule: dict[str, Any]) -> dict[str, Any]:
        sensed = {
            "trigger_id": "inbox",
            "trigger_type": "sensor",
            "params": {"sensor_kind": "file", "sensor_params": sensor},
        }
        timed = {
            "trigger_id": "nightly",
            "trigger_type": "schedule",
            "params": {"schedule_kind": "cron", "schedule_params": schedule},
        }
        job = {"job_id": "j", "asset_selection": ["*"], "triggers": [sensed, timed]}
        return {"jobs": [job]}

    assert problems(WORKFLOW, jobs({"path": "*.csv"}, {"cron_schedule": "0 2 * * *"})) == []
    assert problems(WORKFLOW, jobs({"pth": "*.csv"}, {"cron_schedule": "0 2 * * *"}))
    assert problems(WORKFLOW, jobs({"path": "*.csv"}, {"hour_of_day": 2}))


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ({"type": "unique", "columns": ["id"]}, ""),
        ({"type": "unique", "columns": "id"}, "'id' is not of type 'array'"),
        ({"type": "unique"}, "'columns' is a required property"),
        ({"type": "schema", "severity": "bad"}, "'bad' is not one of"),
        ({"columns": ["id"]}, "'type' is a required property"),
    ],
)
def test_the_type_of_a_check_decides_what_else_it_has(check: dict[str, Any], said: str) -> None:
    found = orders()
    found["assets"][0] |= {"checks": [check], "tables": {"orders__lines": {"checks": [check]}}}
    told = problems(WORKFLOW, found)
    assert [said in problem for problem in told] == ([True, True] if said else []), told
