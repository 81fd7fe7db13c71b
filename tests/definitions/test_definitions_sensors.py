import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from odp_dlt.errors import ConfigError
from tests.definitions.shop_project import Project, shop

FILES = """
assets:
  - asset_key: files/rows
    task_type: duckdb_query
    params:
      query: CREATE OR REPLACE TABLE rows AS SELECT '{{sensor.file_uri}}' AS came_from
  - asset_key: plain
    task_type: duckdb_query
    params: {query: CREATE OR REPLACE TABLE p AS SELECT 1}
"""
SENSOR = "sensor_kind: file, sensor_params: {path: 'inbox/*.csv'}"


def workflow(sensor: str = SENSOR, more: str = "", selects: str = "files/rows") -> str:
    return f"""{FILES}
jobs:
  - job_id: take_in
    asset_selection: [{selects}]
    triggers:
      - trigger_id: inbox
        trigger_type: sensor
        params: {{{sensor}}}
{more}"""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


class Ticking:
    """A sensor of a project that is asked again and again, its cursor kept as Dagster keeps it."""

    def __init__(self, project: Project, instance: dg.DagsterInstance, name: str = "inbox") -> None:
        self.defs = project.build()
        dg.Definitions.validate_loadable(self.defs)
        self.sensor = self.defs.resolve_sensor_def(name)
        self.instance = instance
        self.cursor: str | None = None

    def tick(self) -> Any:
        with dg.SensorEvaluationContext(
            self.instance.get_ref(), cursor=self.cursor, definitions=self.defs
        ) as context:
            found = self.sensor.evaluate_tick(context)
        self.cursor = found.cursor
        for request in found.dynamic_partitions_requests or ():
            self.instance.add_dynamic_partitions(
                request.partitions_def_name, request.partition_keys
            )
        return found

    def run(self, request: dg.RunRequest, job: str = "take_in") -> dg.ExecuteInProcessResult:
        return self.defs.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            run_config=dict(request.run_config),
            tags=dict(request.tags),
            partition_key=request.partition_key,
        )


def arrives(root: Path, name: str) -> Path:
    file = root / "inbox" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("1")
    os.utime(file, (1, 1))
    return file


def came_from(root: Path) -> str:
    with duckdb.connect(str(root / "data/shop.db"), read_only=True) as con:
        found = con.execute("SELECT came_from FROM rows").fetchone()
    assert found is not None
    return str(found[0])


def said_of(root: Path, content: str) -> str:
    with pytest.raises(ConfigError) as e:
        shop(root, content).build()
    return str(e.value)


def test_a_file_that_arrives_starts_a_run_whose_templates_know_it(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    ticking = Ticking(shop(tmp_path, workflow()), instance)
    assert ticking.tick().skip_message == "no new or changed file among 0"
    file = arrives(tmp_path, "it's & <here>.csv")
    file = file.rename(file.with_name("here & there.csv"))
    (request,) = ticking.tick().run_requests
    assert request.run_key.startswith(file.as_uri())
    ticking.run(request)
    assert came_from(tmp_path) == file.as_uri()
    assert ticking.tick().run_requests == []


def test_a_sensor_runs_unless_said_otherwise(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    running = Ticking(shop(tmp_path, workflow()), instance).sensor
    assert running.default_status == dg.DefaultSensorStatus.RUNNING
    more = """
        default_status: stopped
        minimum_interval: 90s
        description: Looks for files
        owners: [team:data]
        run_tags: {came: in}
        run_config: {loggers: {console: {config: {log_level: ERROR}}}}
"""
    ticking = Ticking(shop(tmp_path, workflow(more=more)), instance)
    stopped = ticking.sensor
    assert stopped.default_status == dg.DefaultSensorStatus.STOPPED
    assert stopped.minimum_interval_seconds == 90
    assert stopped.description == "Looks for files"
    assert stopped.owners == ["team:data"]
    arrives(tmp_path, "a.csv")
    (request,) = ticking.tick().run_requests
    assert request.tags["came"] == "in"
    assert set(request.run_config) == {"loggers", "resources"}


def test_runs_of_assets_that_name_no_value_get_none(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    ticking = Ticking(
        shop(tmp_path, workflow(selects="plain").replace("sensor.", "env.")), instance
    )
    arrives(tmp_path, "a.csv")
    (request,) = ticking.tick().run_requests
    assert request.run_config == {}
    assert ticking.run(request).success


def test_a_run_by_hand_is_told_which_values_it_needs(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    project = shop(tmp_path, workflow())
    failed = project.run(["files/rows"], instance)
    assert failed.failure is not None
    assert failed.failure.description == (
        "odp_config/workflows/shop.yaml:6:7: no sensor has started this run, "
        "and its config has no value for 'sensor.file_uri'\n"
        "  Launch it with the run config resources: {sensor_context: {config: "
        "{sensor_context_config: {file_uri: …}}}}"
    )
    config = {"sensor_context_config": {"file_uri": "by hand"}}
    job = project.build().resolve_job_def("take_in")
    by_hand = {"resources": {"sensor_context": {"config": config}}}
    assert job.execute_in_process(instance=instance, run_config=by_hand).success
    assert came_from(tmp_path) == "by hand"


PARTITIONED = """
partitions: [{assets: [files/rows], params: PARAMS}]
"""


@pytest.mark.parametrize(
    ("params", "file", "partition"),
    [
        ("{type: dynamic, name: files}", "b-7.csv", "b-7"),
        ("{type: static, keys: [b-7]}", "b-7.csv", "b-7"),
        ("{start: '2026-01-01', schedule_type: DAILY}", "2026-01-03.csv", "2026-01-03"),
    ],
)
def test_a_file_can_be_a_partition(
    tmp_path: Path, instance: dg.DagsterInstance, params: str, file: str, partition: str
) -> None:
    sensor = SENSOR.replace("{path", "{partition_pattern: '([^/]+)[.]csv', path")
    content = workflow(sensor) + PARTITIONED.replace("PARAMS", params)
    ticking = Ticking(shop(tmp_path, content), instance)
    arrives(tmp_path, file)
    (request,) = ticking.tick().run_requests
    assert request.partition_key == partition
    done = ticking.run(request)
    (made,) = done.get_asset_materialization_events()
    assert made.partition == partition


def test_a_file_of_no_partition_is_passed_over_and_told(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    sensor = SENSOR.replace("{path", "{partition_pattern: '([^/]+)[.]csv', path")
    content = workflow(sensor) + PARTITIONED.replace("PARAMS", "{type: static, keys: [a]}")
    ticking = Ticking(shop(tmp_path, content), instance)
    file = arrives(tmp_path, "b.csv")
    said = ticking.tick()
    assert said.run_requests == []
    assert said.skip_message.startswith(f"no partition 'b' to load for {file.as_uri()}")
    arrives(tmp_path, "a.csv")
    assert [run.partition_key for run in ticking.tick().run_requests] == ["a"]


def test_without_a_partition_of_its_own_a_sensor_loads_the_latest_window(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    ended = "{start: '2026-01-01', end: '2026-01-05', schedule_type: DAILY}"
    content = workflow() + PARTITIONED.replace("PARAMS", ended)
    ticking = Ticking(shop(tmp_path, content), instance)
    arrives(tmp_path, "a.csv")
    assert [run.partition_key for run in ticking.tick().run_requests] == ["2026-01-04"]


def test_an_asset_that_is_made_starts_a_job(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    sensor = "sensor_kind: asset, sensor_params: {asset_keys: [plain]}"
    content = workflow(sensor).replace("sensor.file_uri", "sensor.run_id")
    project = shop(tmp_path, content)
    ticking = Ticking(project, instance)
    assert ticking.tick().run_requests == []
    project.run(["plain"], instance)
    (request,) = ticking.tick().run_requests
    ticking.run(request)
    made = instance.get_latest_materialization_event(dg.AssetKey("plain"))
    assert made is not None
    assert came_from(tmp_path) == made.run_id
    assert ticking.tick().run_requests == []


def test_a_run_that_fails_starts_a_job(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    sensor = "sensor_kind: run_status, sensor_params: {status: failure, jobs: [others]}"
    content = workflow(sensor).replace("sensor.file_uri", "sensor.job")
    other = "  - {job_id: others, asset_selection: [plain]}\n"
    ticking = Ticking(shop(tmp_path, content + other), instance)
    job = ticking.defs.resolve_job_def("others")
    assert ticking.tick().run_requests == []
    assert job.execute_in_process(instance=instance).success
    assert ticking.tick().run_requests == []
    bad = {"resources": {"duckdb": {"config": {"database": str(tmp_path)}}}}
    job.execute_in_process(instance=instance, run_config=bad, raise_on_error=False)
    (request,) = ticking.tick().run_requests
    ticking.run(request)
    assert came_from(tmp_path) == "others"


OWN = """
from odp_dlt.sensors.base import Poll, Sensor, Start


class Counting(Sensor):
    values = frozenset({"number"})
    step: int

    def poll(self, cursor, watch):
        number = int(cursor or 0) + self.step
        return Poll([Start(str(number), {"number": number})], str(number))
"""


def test_a_class_of_ones_own_is_a_sensor(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_counting.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("STEP", "5")
    sensor = "sensor_kind: own_counting.Counting, sensor_params: {step: 5}"
    content = workflow(sensor).replace("sensor.file_uri", "sensor.number")
    ticking = Ticking(shop(tmp_path, content), instance)
    for number in (5, 10):
        (request,) = ticking.tick().run_requests
        ticking.run(request)
        assert came_from(tmp_path) == str(number)


def test_params_can_come_from_the_environment_as_it_is_at_each_look(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = "sensor_kind: file, sensor_params: {path: '{{env.INBOX}}/*.csv'}"
    ticking = Ticking(shop(tmp_path, workflow(sensor)), instance)
    arrives(tmp_path, "a.csv")
    with pytest.raises(ConfigError, match="the environment variable 'INBOX' is not set"):
        ticking.tick()
    monkeypatch.setenv("INBOX", str(tmp_path / "inbox"))
    assert len(ticking.tick().run_requests) == 1


def test_a_server_that_does_not_answer_is_a_skip_and_keeps_the_cursor(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    sensor = "sensor_kind: http, sensor_params: {url: 'http://127.0.0.1:9/'}"
    content = workflow(sensor).replace("sensor.file_uri", "sensor.url")
    ticking = Ticking(shop(tmp_path, content), instance)
    ticking.cursor = "kept"
    said = ticking.tick()
    assert "http://127.0.0.1:9/ does not answer: ConnectionError" in said.skip_message
    assert said.cursor == "kept"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            workflow("sensor_kind: fil, sensor_params: {}"),
            ":17:18: no sensor kind is named 'fil'\n  Did you mean 'file'? Known: asset, file, ",
        ),
        (
            workflow("sensor_kind: file, sensor_params: {pth: a}"),
            ":17:53: unknown param 'pth'\n  Did you mean 'path'?",
        ),
        (
            workflow("sensor_kind: sql, sensor_params: {resource: duckbd, query: SELECT 1}"),
            ":17:36: no resource 'duckbd' is configured",
        ),
        (
            workflow("sensor_kind: file, sensor_params: {path: '{{context.run_id}}'}"),
            ":17:37: the params of a sensor cannot name 'context.run_id': there is no run yet",
        ),
        (
            workflow().replace("sensor.file_uri", "sensor.file_url"),
            ":6:7: the sensor 'inbox' gives no value for 'sensor.file_url'\n"
            "  Did you mean 'file_uri'? Known: file_name, file_path, file_uri.",
        ),
        (
            workflow().replace("    params:\n", "    automation: eager\n    params:\n", 1),
            ":5:5: the asset cannot have `automation`: then no sensor gives 'sensor.file_uri'",
        ),
        (
            workflow(selects="plain"),
            ":6:7: 'sensor.file_uri' in a template, but no sensor starts a job with the asset",
        ),
        (
            workflow().replace("sensor.file_uri", "sensor"),
            ":6:7: 'sensor' in a template is a group of values, not a value",
        ),
        (
            workflow(
                more="      - trigger_id: nightly\n        trigger_type: schedule\n"
                "        params: {schedule_kind: cron, schedule_params: "
                "{cron_schedule: '0 2 * * *'}}\n"
            ),
            ":18:9: the schedule 'nightly' gives no value for 'sensor.file_uri' at "
            "odp_config/workflows/shop.yaml:6:7\n  Give it one in its `run_config`: ",
        ),
        (
            workflow() + PARTITIONED.replace("PARAMS", "{type: static, keys: [a]}"),
            ":17:37: the job 'take_in' has partitions without times, and the sensor names none",
        ),
        (
            workflow(SENSOR.replace("{path", "{partition_pattern: (a), path")),
            ":17:37: the sensor names partitions, but the job 'take_in' has none",
        ),
    ],
)
def test_a_sensor_that_cannot_be_is_told_with_its_place(
    tmp_path: Path, content: str, said: str
) -> None:
    assert f"odp_config/workflows/shop.yaml{said}" in said_of(tmp_path, content)


def test_a_schedule_can_give_the_values_in_its_run_config(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    nightly = """
      - trigger_id: nightly
        trigger_type: schedule
        params: {schedule_kind: cron, schedule_params: {cron_schedule: "0 2 * * *"}}
        run_config:
          resources: {sensor_context: {config: {sensor_context_config: {file_uri: all}}}}
"""
    defs = shop(tmp_path, workflow(more=nightly)).build()
    schedule = defs.resolve_schedule_def("nightly")
    with dg.build_schedule_context(instance) as context:
        (request,) = schedule.evaluate_tick(context).run_requests or ()
    job = defs.resolve_job_def("take_in")
    assert job.execute_in_process(instance=instance, run_config=dict(request.run_config)).success
    assert came_from(tmp_path) == "all"


def test_a_resource_cannot_take_the_name_of_the_values(tmp_path: Path) -> None:
    project = shop(tmp_path, workflow())
    config = project.root / "odp_config/dagster_config.yaml"
    config.write_text(
        config.read_text().replace("kind: dlt\n", "kind: dlt\n    name: sensor_context\n")
    )
    with pytest.raises(ConfigError, match="a resource cannot be named 'sensor_context'"):
        project.build()
