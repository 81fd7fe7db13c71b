from pathlib import Path
from typing import Any

import pytest

from odp_dlt.errors import ConfigError
from odp_dlt.resources.duckdb import DuckDB
from odp_dlt.sensors.base import Project, sensors
from tests.sensors.watching import Recorded, watched


def test_every_kind_is_a_file() -> None:
    assert sensors.names() == ["asset", "file", "gcs_sensor", "http", "run_status", "s3", "sql"]


def test_a_materialization_of_another_asset_starts_a_run(tmp_path: Path) -> None:
    events = Recorded()
    events.materialize("shop/orders")
    sensor = watched(tmp_path, "asset", events, asset_keys=["shop/orders", "shop/lines"])
    assert sensor.look().skipped == "the first look; what comes after it counts"
    assert sensor.look().skipped == "no new materialization"
    events.materialize("shop/lines")
    events.materialize("shop/else")
    (start,) = sensor.look().starts
    assert start.values == {"asset_key": "shop/lines", "partition_key": None, "run_id": "run2"}
    assert sensor.look().starts == ()


def test_every_partition_that_was_made_starts_one_run(tmp_path: Path) -> None:
    events = Recorded()
    sensor = watched(tmp_path, "asset", events, asset_keys=["a"])
    sensor.look()
    for day in ("2026-01-01", "2026-01-02", "2026-01-01"):
        events.materialize("a", day)
    found = sensor.look().starts
    assert {(start.partition, start.values["run_id"]) for start in found} == {
        ("2026-01-01", "run3"),
        ("2026-01-02", "run2"),
    }


def test_all_of_several_assets_start_one_run(tmp_path: Path) -> None:
    events = Recorded()
    sensor = watched(tmp_path, "asset", events, asset_keys=["a", "b"], require="all")
    sensor.look()
    events.materialize("a")
    events.materialize("a")
    assert sensor.look().skipped == "no new materialization of b"
    events.materialize("b")
    (start,) = sensor.look().starts
    assert start.values["asset_key"] == "b"
    assert sensor.look().starts == ()
    events.materialize("b")
    assert sensor.look().starts == ()


def test_a_run_of_another_job_that_ended_starts_one(tmp_path: Path) -> None:
    events = Recorded()
    events.end("ingest")
    sensor = watched(tmp_path, "run_status", events, jobs=["ingest"])
    assert sensor.look().starts == ()
    events.end("ingest", "failure")
    events.end("other")
    assert sensor.look().skipped == "no run with the status success"
    events.end("ingest", partition="2026-01-01")
    (start,) = sensor.look().starts
    assert start.partition == "2026-01-01"
    assert start.values == {
        "run_id": "run4",
        "job": "ingest",
        "status": "success",
        "partition_key": "2026-01-01",
    }


@pytest.mark.parametrize(
    ("kind", "params", "said"),
    [
        ("asset", {"asset_keys": ["a", "c"]}, "there is no asset 'c'"),
        ("run_status", {"jobs": ["nigthly"]}, "there is no job 'nigthly'\n  Did you mean"),
        ("run_status", {"jobs": ["nightly"]}, "the job 'nightly' would start itself"),
    ],
)
def test_what_is_not_there_is_told(
    tmp_path: Path, kind: str, params: dict[str, Any], said: str
) -> None:
    sensor = watched(tmp_path, kind, **params)
    project = Project(sensor.watch.site, frozenset("ab"), frozenset({"nightly"}), "nightly")
    with pytest.raises(ConfigError) as e:
        sensor.sensor.check(project)
    assert str(e.value).startswith(said)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("asset", {"asset_keys": ["a"]}),
        ("run_status", {"jobs": ["a"]}),
        ("file", {"path": "*"}),
        ("sql", {"query": "SELECT 1 AS a", "resource": "duckdb"}),
    ],
)
def test_the_cursor_of_another_sensor_is_told(
    tmp_path: Path, kind: str, params: dict[str, Any]
) -> None:
    memory = {"duckdb": DuckDB(database=":memory:")}
    sensor = watched(tmp_path, kind, resources=memory, **params)
    sensor.cursor = "[]"
    with pytest.raises(ConfigError, match="the sensor's cursor is not one that this sensor") as e:
        sensor.look()
    assert e.value.hint == "Reset the cursor of the sensor in Dagster."
