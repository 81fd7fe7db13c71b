from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from odp_dlt.errors import ConfigError
from tests.definitions.shop_project import LINES, ORDERS, shop

CHAIN = """
assets:
  - {asset_key: a, task_type: duckdb_query, params: {query: CREATE OR REPLACE TABLE a AS SELECT 1}}
  - asset_key: b
    task_type: duckdb_query
    params: {query: CREATE OR REPLACE TABLE b AS SELECT 1}
"""
AFTER_A = "depends_on: [a]\n    "


def chain(root: Path, said: str) -> dg.Definitions:
    return shop(root, f"{CHAIN}    {said}\n").build()


def requested(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    at: datetime | None = None,
    cursor: object = None,
) -> tuple[set[str], object]:
    found = dg.evaluate_automation_conditions(
        defs=defs,
        instance=instance,
        asset_selection=dg.AssetSelection.assets("b"),
        evaluation_time=at,
        cursor=cursor,  # type: ignore[arg-type]
    )
    keys = {
        one.key.to_user_string()
        for one in found.results
        if found.get_num_requested(one.key) and isinstance(one.key, dg.AssetKey)
    }
    return keys, found.cursor


def make(instance: dg.DagsterInstance, key: str) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization(key))


def test_eager_follows_what_it_depends_on(tmp_path: Path) -> None:
    defs = chain(tmp_path, f"{AFTER_A}automation: eager")
    with dg.DagsterInstance.ephemeral() as instance:
        keys, cursor = requested(defs, instance)
        assert keys == set()
        make(instance, "a")
        keys, cursor = requested(defs, instance, cursor=cursor)
        assert keys == {"b"}
        make(instance, "b")
        assert requested(defs, instance, cursor=cursor)[0] == set()


def test_on_missing_makes_a_partition_when_it_comes_to_be(tmp_path: Path) -> None:
    daily = "partition: {start: '2026-01-01', schedule_type: DAILY}\n    automation: on_missing"
    defs = chain(tmp_path, AFTER_A + daily)
    with dg.DagsterInstance.ephemeral() as instance:
        make(instance, "a")
        keys, cursor = requested(defs, instance, datetime(2026, 1, 5, 23, tzinfo=UTC))
        assert keys == set()
        keys, cursor = requested(defs, instance, datetime(2026, 1, 6, 1, tzinfo=UTC), cursor)
        assert keys == {"b"}
        assert requested(defs, instance, datetime(2026, 1, 6, 2, tzinfo=UTC), cursor)[0] == set()


def test_on_cron_makes_what_is_due_in_its_time_zone(tmp_path: Path) -> None:
    defs = chain(tmp_path, 'automation: {on_cron: "0 6 * * *", timezone: Europe/Oslo}')
    with dg.DagsterInstance.ephemeral() as instance:
        cursor: object = None
        found = []
        for hour in (3, 4, 5, 6):  # at six in Oslo it is five in UTC
            at = datetime(2026, 1, 5, hour, 30, tzinfo=UTC)
            keys, cursor = requested(defs, instance, at, cursor)
            found.append(keys)
    assert found == [set(), set(), {"b"}, set()]


def test_a_running_sensor_evaluates_the_conditions(tmp_path: Path) -> None:
    defs = chain(tmp_path, f"{AFTER_A}automation: eager")
    dg.Definitions.validate_loadable(defs)
    names = [sensor.name for sensor in defs.get_repository_def().sensor_defs]
    assert names == ["odp_automation"]
    sensor = defs.resolve_sensor_def("odp_automation")
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    assert isinstance(sensor, dg.AutomationConditionSensorDefinition)


def test_without_conditions_there_is_no_such_sensor(tmp_path: Path) -> None:
    assert list(shop(tmp_path, CHAIN).build().get_repository_def().sensor_defs) == []


def test_only_the_root_of_an_asset_that_makes_several_is_automatic(tmp_path: Path) -> None:
    said = ORDERS.replace("    group_name", "    automation: eager\n    group_name")
    defs = shop(tmp_path, said + LINES).build()
    asked = [
        spec.key.to_user_string()
        for spec in defs.resolve_all_asset_specs()
        if spec.automation_condition is not None
    ]
    assert asked == ["shop/api/orders"]


def test_a_nested_table_cannot_be_automatic(tmp_path: Path) -> None:
    said = "    tables: {orders__lines: {automation: eager}}\n    group_name"
    with pytest.raises(ConfigError) as e:
        shop(tmp_path, ORDERS.replace("    group_name", said)).build()
    assert str(e.value) == (
        "odp_config/workflows/shop.yaml:6:30: the nested table 'shop/api/orders__lines' cannot "
        "have `automation`: it is made with its parent\n  Give it to the asset 'shop/api/orders'."
    )


@pytest.mark.parametrize(
    ("said", "policy"),
    [
        (
            "freshness: {fail_window: 36h, warn_window: 1d}",
            {"fail": 36 * 3600.0, "warn": 24 * 3600.0},
        ),
        (
            'freshness: {deadline_cron: "0 9 * * *", lower_bound: 3h, timezone: Europe/Oslo}',
            {"cron": "0 9 * * *", "bound": 3 * 3600.0, "zone": "Europe/Oslo"},
        ),
    ],
)
def test_an_asset_says_how_old_it_may_become(
    tmp_path: Path, said: str, policy: dict[str, object]
) -> None:
    specs = {
        spec.key.to_user_string(): spec for spec in chain(tmp_path, said).resolve_all_asset_specs()
    }
    found: Any = specs["b"].freshness_policy
    if "cron" in policy:
        assert (found.deadline_cron, found.timezone) == (policy["cron"], policy["zone"])
        assert found.lower_bound_delta.total_seconds() == policy["bound"]
    else:
        assert found.fail_window.to_timedelta().total_seconds() == policy["fail"]
        assert found.warn_window.to_timedelta().total_seconds() == policy["warn"]
    assert specs["a"].freshness_policy is None


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ('automation: {on_cron: "0 6 * *"}', ":7:18: this automation is not possible: "),
        (
            'automation: {on_cron: "0 6 * * *", timezone: Nowhere}',
            ":7:18: this automation is not possible: ",
        ),
        ("automation: egaer", ":7:5: 'automation' cannot be 'egaer'\n  Did you mean 'eager'?"),
        ("freshness: {}", ":7:5: freshness needs either `fail_window` or `deadline_cron`"),
        (
            "freshness: {fail_window: 1d, timezone: UTC}",
            ":7:34: freshness with `fail_window` has no `timezone`",
        ),
        (
            'freshness: {deadline_cron: "0 9 * * *"}',
            ":7:17: freshness with `deadline_cron` needs `lower_bound`",
        ),
        (
            "freshness: {fail_window: 30s}",
            ":7:17: 'fail_window' is 30 seconds; the least is one minute",
        ),
        (
            "freshness: {fail_window: 1h, warn_window: 2h}",
            ":7:5: this freshness is not possible: ",
        ),
        (
            'freshness: {deadline_cron: "0 9 * *", lower_bound: 1h}',
            ":7:5: this freshness is not possible: ",
        ),
    ],
)
def test_what_dagster_cannot_hold_to_is_told_with_its_place(
    tmp_path: Path, said: str, message: str
) -> None:
    with pytest.raises(ConfigError) as e:
        chain(tmp_path, said)
    assert f"odp_config/workflows/shop.yaml{message}" in str(e.value)
