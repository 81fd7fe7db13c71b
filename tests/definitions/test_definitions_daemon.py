"""Triggers in the real daemon and webserver: a file arrives, and a run with its name is done."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.definitions.shop_project import shop
from tests.definitions.webserver import PATIENCE_S, Webserver, daemon, webserver

WORKFLOW = """
assets:
  - asset_key: files/rows
    task_type: duckdb_query
    params: {query: "CREATE OR REPLACE TABLE rows AS SELECT '{{sensor.file_name}}' AS came_from"}
  - asset_key: days
    task_type: duckdb_query
    partition: {start: "2026-01-01", schedule_type: DAILY}
    params: {query: "CREATE OR REPLACE TABLE d AS SELECT '{{context.partition_key}}' AS day"}
jobs:
  - job_id: take_in
    asset_selection: [files/rows]
    executor: in_process
    triggers:
      - trigger_id: inbox
        trigger_type: sensor
        minimum_interval: 1s
        params: {sensor_kind: file, sensor_params: {path: "inbox/*.csv"}}
  - job_id: daily
    asset_selection: [days]
    triggers:
      - trigger_id: at_two
        trigger_type: schedule
        params: {schedule_kind: cron, schedule_params: {cron_schedule: "0 2 * * *"}}
"""
DEFINITIONS = """
from pathlib import Path

from odp_dlt.definitions import build_definitions

defs = build_definitions(Path(__file__).parent / "odp_config")
"""
SENSOR = """
mutation ($selector: SensorSelector!) {
  sensorDryRun(selectorData: $selector, cursor: null) {
    ... on DryRunInstigationTick {
      evaluationResult { skipReason error { message } runRequests { runKey runConfigYaml } }
    }
  }
}"""
SCHEDULE = """
mutation ($selector: ScheduleSelector!, $at: Float!) {
  scheduleDryRun(selectorData: $selector, timestamp: $at) {
    ... on DryRunInstigationTick {
      evaluationResult { skipReason error { message } runRequests { tags { key value } } }
    }
  }
}"""
RUNS = '{ runsOrError(filter: {pipelineName: "take_in"}) { ... on Runs { results { status } } } }'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    made = shop(root, WORKFLOW)
    made.write("shop_definitions.py", DEFINITIONS)
    file = made.write("inbox/today.csv", "1")
    os.utime(file, (1, 1))
    return root


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[Webserver]:
    with webserver(project, "shop_definitions", project / "home") as running:
        yield running


def selector(server: Webserver, **name: str) -> dict[str, str]:
    here = {"repositoryName": "__repository__", "repositoryLocationName": server.location}
    return {**here, **name}


def evaluated(answer: dict[str, Any]) -> dict[str, Any]:
    (tick,) = answer.values()
    found: dict[str, Any] = tick["evaluationResult"]
    assert found["error"] is None
    return found


def test_a_sensor_can_be_tried_in_the_browser(server: Webserver) -> None:
    asked = server.ask(SENSOR, selector=selector(server, sensorName="inbox"))
    (request,) = evaluated(asked)["runRequests"]
    assert "file_name: today.csv" in request["runConfigYaml"]


def test_a_schedule_can_be_tried_in_the_browser(server: Webserver) -> None:
    two_o_clock = 1767751200.0  # of 2026-01-07 in UTC
    asked = server.ask(SCHEDULE, selector=selector(server, scheduleName="at_two"), at=two_o_clock)
    (request,) = evaluated(asked)["runRequests"]
    assert {"key": "dagster/partition", "value": "2026-01-06"} in request["tags"]


def test_the_daemon_runs_the_job_for_a_file_that_arrived(server: Webserver, project: Path) -> None:
    with daemon(project, "shop_definitions", project / "home"):
        until = time.monotonic() + PATIENCE_S
        statuses: list[str] = []
        while statuses != ["SUCCESS"] and time.monotonic() < until:
            time.sleep(1)
            statuses = [run["status"] for run in server.ask(RUNS)["runsOrError"]["results"]]
    assert statuses == ["SUCCESS"], (project / "home/daemon.log").read_text()[-3000:]
    with duckdb.connect(str(project / "data/shop.db"), read_only=True) as con:
        assert con.execute("SELECT came_from FROM rows").fetchall() == [("today.csv",)]
