from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odp_dlt.definitions.complete import latest_complete, newest
from odp_dlt.errors import ConfigError
from tests.definitions.shop_project import shop

ASSETS = """
assets:
  - asset_key: days
    task_type: duckdb_query
    params: {query: "CREATE OR REPLACE TABLE d AS SELECT '{{context.partition_key}}' AS day"}
  - {asset_key: plain, task_type: duckdb_query, params: {query: SELECT 1}}
"""
DAILY = """
partitions:
  - assets: [days]
    params: {start: "2026-01-01", schedule_type: DAILY, timezone: Europe/Oslo}
"""
CRON = 'schedule_kind: cron, schedule_params: {cron_schedule: "0 2 * * *"}'


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


def workflow(asset: str, params: str, more: str = "", partitions: str = DAILY) -> str:
    return f"""{ASSETS}{partitions}
jobs:
  - job_id: nightly
    asset_selection: [{asset}]
    run_config: {{loggers: {{console: {{config: {{log_level: ERROR}}}}}}}}
    triggers:
      - trigger_id: at_night
        trigger_type: schedule
        params: {{{params}}}
{more}"""


def built(root: Path, *args: str, **kinds: str) -> tuple[dg.Definitions, dg.ScheduleDefinition]:
    defs = shop(root, workflow(*args, **kinds)).build()
    dg.Definitions.validate_loadable(defs)
    return defs, defs.resolve_schedule_def("at_night")


def tick(
    made: tuple[dg.Definitions, dg.ScheduleDefinition], instance: dg.DagsterInstance, at: str
) -> Any:
    """What the schedule asks for at a moment in UTC."""
    defs, schedule = made
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    with dg.build_schedule_context(
        instance, scheduled_execution_time=moment, repository_def=defs.get_repository_def()
    ) as context:
        return schedule.evaluate_tick(context)


def partitions_at(made: Any, instance: dg.DagsterInstance, at: str) -> list[str | None]:
    return [run.partition_key for run in tick(made, instance, at).run_requests]


def test_a_cron_schedule_has_all_that_is_written(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    more = """
        description: Each night
        default_status: running
        execution_timezone: Europe/Oslo
        owners: [team:data]
        run_tags: {by: night}
        run_config: {loggers: {console: {config: {name: nightly}}}}
"""
    made = built(tmp_path, "plain", CRON, more)
    schedule = made[1]
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "Europe/Oslo")
    assert schedule.description == "Each night"
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert schedule.owners == ["team:data"]
    (run,) = tick(made, instance, "2026-01-05 01:00").run_requests
    assert run.tags["by"] == "night"
    console = {"log_level": "ERROR", "name": "nightly"}
    assert run.run_config == {"loggers": {"console": {"config": console}}}


def test_a_schedule_is_stopped_unless_said_otherwise(tmp_path: Path) -> None:
    schedule = built(tmp_path, "plain", CRON)[1]
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED


def test_several_times_can_be_listed(tmp_path: Path) -> None:
    several = 'schedule_kind: cron, schedule_params: {cron_schedule: ["0 2 * * *", "0 14 * * *"]}'
    assert built(tmp_path, "plain", several)[1].cron_schedule == ["0 2 * * *", "0 14 * * *"]


def test_cron_over_partitions_loads_the_latest_complete_one_each_time(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    made = built(tmp_path, "days", CRON)
    assert partitions_at(made, instance, "2026-01-05 22:59") == ["2026-01-04"]
    assert partitions_at(made, instance, "2026-01-05 23:00") == ["2026-01-05"]  # midnight in Oslo
    assert partitions_at(made, instance, "2026-01-06 12:00") == ["2026-01-05"]
    early = tick(made, instance, "2026-01-01 02:00")
    assert early.skip_message == "No partition is complete yet."


def test_the_run_that_cron_asks_for_succeeds(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    made = built(tmp_path, "days", CRON)
    (run,) = tick(made, instance, "2026-01-06 12:00").run_requests
    job = made[0].resolve_job_def("nightly")
    done = job.execute_in_process(
        instance=instance, tags=dict(run.tags), partition_key=run.partition_key
    )
    assert done.success


def test_keys_are_all_loaded_at_the_times_of_cron(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    static = "partitions: [{assets: [days], params: {type: static, keys: [nor, swe]}}]\n"
    made = built(tmp_path, "days", CRON, partitions=static)
    assert partitions_at(made, instance, "2026-01-05 02:00") == ["nor", "swe"]


def test_keys_that_come_to_be_later_are_loaded_too(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    dynamic = "partitions: [{assets: [days], params: {type: dynamic, name: tenants}}]\n"
    made = built(tmp_path, "days", CRON, partitions=dynamic)
    assert tick(made, instance, "2026-01-05 02:00").run_requests == []
    instance.add_dynamic_partitions("tenants", ["a", "b"])
    assert partitions_at(made, instance, "2026-01-05 02:00") == ["a", "b"]


# of the tags that Dagster 1.13 itself gives to runs of two dimensions
@pytest.mark.filterwarnings("ignore:Non-compliant tag keys:DeprecationWarning")
def test_of_two_dimensions_every_key_is_loaded_for_the_latest_window(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    pair = """
partitions:
  - assets: [days]
    params:
      dimensions:
        day: {start: "2026-01-01", schedule_type: DAILY}
        land: {type: static, keys: [nor, swe]}
"""
    made = built(tmp_path, "days", CRON, partitions=pair)
    assert partitions_at(made, instance, "2026-01-05 02:00") == ["2026-01-04|nor", "2026-01-04|swe"]


def test_a_partition_schedule_starts_after_each_window(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    made = built(
        tmp_path,
        "days",
        "schedule_kind: partition, schedule_params: {hour_of_day: 5, tags: {a: b}}",
    )
    assert made[1].cron_schedule == "0 5 * * *"
    assert made[1].execution_timezone == "Europe/Oslo"
    (run,) = tick(made, instance, "2026-01-05 04:00").run_requests
    assert (run.partition_key, run.tags["a"]) == ("2026-01-04", "b")


def test_a_partition_schedule_ends_with_its_partitions_and_rests_where_some_are_left_out(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    ended = DAILY.replace("timezone", 'end: "2026-01-04", timezone')
    made = built(tmp_path, "days", "schedule_kind: partition", partitions=ended)
    assert partitions_at(made, instance, "2026-01-03 23:00") == ["2026-01-03"]
    after = tick(made, instance, "2026-01-04 23:00")
    assert after.skip_message == "No partition is new since the time before."


def test_keys_have_a_partition_schedule_with_cron(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    static = "partitions: [{assets: [days], params: {type: static, keys: [nor, swe]}}]\n"
    params = 'schedule_kind: partition, schedule_params: {cron_schedule: "0 3 * * *"}'
    made = built(tmp_path, "days", params, partitions=static)
    assert made[1].cron_schedule == "0 3 * * *"
    assert partitions_at(made, instance, "2026-01-05 03:00") == ["nor", "swe"]


@given(
    st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 30)).map(lambda d: d.replace(tzinfo=UTC)),
    st.integers(-1, 2),
)
def test_the_latest_complete_window_has_ended_and_the_next_one_has_not(
    now: datetime, end_offset: int
) -> None:
    days = dg.DailyPartitionsDefinition(
        "2026-01-01", timezone="Europe/Oslo", end_offset=end_offset
    )  # in the year there are days of 23 and of 25 hours
    key = latest_complete(days, now)
    assert key is not None
    window = days.time_window_for_partition_key(key)
    assert window.end <= now
    following = days.get_next_partition_window(window.end, respect_bounds=False)
    if end_offset >= 0 and following is not None:
        following_start = days.time_window_for_partition_key(key).end
        assert now < days.get_next_partition_window(following_start, respect_bounds=False).end  # type: ignore[union-attr]


@pytest.mark.parametrize("cron", ["0 0 * * *", "0 5 * * *", "30 0 * * *"])
def test_a_year_of_ticks_loads_each_day_once(cron: str) -> None:
    minute, hour = map(int, cron.split()[:2])
    days = dg.DailyPartitionsDefinition("2026-01-01", timezone="Europe/Oslo", end_date="2027-01-01")
    zone = days.time_window_for_partition_key("2026-01-01").start.tzinfo
    keys = days.get_partition_keys(current_time=datetime(2028, 1, 1, tzinfo=UTC))
    loaded = []
    for key in keys:
        end = days.time_window_for_partition_key(key).end
        moment = datetime(end.year, end.month, end.day, hour, minute, tzinfo=zone)
        loaded.append(newest(days, moment))
    assert loaded == list(keys)


@pytest.mark.parametrize(
    ("asset", "params", "partitions", "said"),
    [
        (
            "plain",
            'schedule_kind: cron, schedule_params: {cron_schedule: "61 * * * *"}',
            DAILY,
            ":19:57: the schedule 'at_night' is not possible: ",
        ),
        (
            "plain",
            "schedule_kind: cron, schedule_params: "
            '{cron_schedule: "0 2 * * *", execution_timezone: Nowhere/City}',
            DAILY,
            ":19:85: the schedule 'at_night' is not possible: ",
        ),
        (
            "plain",
            'schedule_kind: cron, schedule_params: {cron_schedule: "0 2 * * *", hour_of_day: 1}',
            DAILY,
            ":19:85: unknown key 'hour_of_day'\n  Known: cron_schedule, execution_timezone.",
        ),
        (
            "plain",
            "schedule_kind: partition",
            DAILY,
            ":19:18: the job 'nightly' has no partitions for a partition schedule\n"
            "  Give its assets partitions, or write `schedule_kind: cron`.",
        ),
        (
            "days",
            "schedule_kind: partition, schedule_params: {day_of_week: 1}",
            DAILY,
            ":19:62: a schedule of these partitions has no `day_of_week`: it starts when a window "
            "has ended\n  It takes minute_of_hour, hour_of_day.",
        ),
        (
            "days",
            'schedule_kind: partition, schedule_params: {cron_schedule: "0 2 * * *"}',
            DAILY,
            ":19:62: a schedule of these partitions has no `cron_schedule`",
        ),
        (
            "days",
            "schedule_kind: partition, schedule_params: {hour_of_day: 24}",
            DAILY,
            ":19:62: 'triggers.0.params.schedule_params.hour_of_day' is not valid",
        ),
        (
            "days",
            "schedule_kind: partition",
            "partitions: [{assets: [days], params: {type: static, keys: [a]}}]\n",
            ": a partition schedule needs `cron_schedule` where the partitions have no times",
        ),
        (
            "days",
            "schedule_kind: partition, schedule_params: {hour_of_day: 1}",
            "partitions: [{assets: [days], params: {type: static, keys: [a]}}]\n",
            ": the job's partitions have no times that `hour_of_day` could move",
        ),
    ],
)
def test_a_schedule_that_cannot_be_is_told_with_its_place(
    tmp_path: Path, asset: str, params: str, partitions: str, said: str
) -> None:
    with pytest.raises(ConfigError) as e:
        shop(tmp_path, workflow(asset, params, partitions=partitions)).build()
    assert str(e.value).startswith("odp_config/workflows/shop.yaml:")
    assert said in str(e.value)
