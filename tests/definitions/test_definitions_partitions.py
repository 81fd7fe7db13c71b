from pathlib import Path

import dagster as dg
import pytest

from odp_dlt.definitions.partitions import partitions, time_windows
from odp_dlt.errors import ConfigError
from odp_dlt.workflow.models import Origin, PartitionParams, Position
from tests.definitions.shop_project import shop

HERE = Origin(
    {
        (): Position(Path("f.yaml"), 3, 5),
        ("hour_offset",): Position(Path("f.yaml"), 4, 7),
        ("exclusions", 0): Position(Path("f.yaml"), 5, 9),
    }
)


def keys(**params: object) -> list[str]:
    made = time_windows(PartitionParams.model_validate(params), HERE.at)
    return list(made.get_partition_keys())


@pytest.mark.parametrize(
    ("schedule", "start", "end", "expected"),
    [
        (
            "HOURLY",
            "2026-01-01-00:00",
            "2026-01-01-02:00",
            ["2026-01-01-00:00", "2026-01-01-01:00"],
        ),
        ("DAILY", "2026-01-01", "2026-01-03", ["2026-01-01", "2026-01-02"]),
        ("WEEKLY", "2026-01-01", "2026-01-18", ["2026-01-04", "2026-01-11"]),
        ("MONTHLY", "2026-01-01", "2026-03-01", ["2026-01-01", "2026-02-01"]),
    ],
)
def test_each_schedule_has_its_windows(
    schedule: str, start: str, end: str, expected: list[str]
) -> None:
    assert keys(schedule_type=schedule, start=start, end=end) == expected


def test_offsets_formats_and_cron_schedules_are_dagsters() -> None:
    monthly = {"schedule_type": "MONTHLY", "start": "2026/01/01", "end": "2026/03/10"}
    assert keys(**monthly, day_offset=15, fmt="%Y/%m/%d") == ["2026/01/15"]
    half_days = keys(
        cron_schedule="0 0,12 * * *", start="2026-01-01", end="2026-01-02", fmt="%Y-%m-%d"
    )
    assert len(half_days) == 2


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"schedule_type": "DAILY", "start": "soon"}, r"f\.yaml:3:5: .* not possible: .*'soon'"),
        ({"cron_schedule": "1 2", "start": "2026-01-01"}, r"f\.yaml:3:5: .*cron schedule '1 2'"),
        (
            {"schedule_type": "DAILY", "start": "2026-01-01", "timezone": "Mars/Base"},
            r"not possible: .*Mars/Base",
        ),
        (
            {"schedule_type": "HOURLY", "start": "2026-01-01-00:00", "hour_offset": 2},
            r"f\.yaml:4:7: HOURLY partitions have no 'hour_offset'",
        ),
    ],
)
def test_partitions_that_cannot_be_are_told_with_their_place(
    params: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        keys(**params)


DAILY: dict[str, object] = {"schedule_type": "DAILY", "start": "2026-01-01", "end": "2026-01-12"}


@pytest.mark.parametrize(
    ("exclusions", "left_out"),
    [
        (["0 0 * * 6,0"], {3, 4, 10, 11}),
        (["2026-01-02", "2026-01-09"], {2, 9}),
        (["0 0 * * 6", "2026-01-05"], {3, 5, 10}),
    ],
)
def test_partitions_can_be_left_out_by_key_and_by_cron(
    exclusions: list[str], left_out: set[int]
) -> None:
    found = keys(**DAILY, exclusions=exclusions)
    assert found == [f"2026-01-{day:02d}" for day in range(1, 12) if day not in left_out]


def test_a_partition_is_left_out_by_its_key_whenever_in_the_day_it_begins() -> None:
    found = keys(**DAILY, hour_offset=6, timezone="Europe/Oslo", exclusions=["2026-01-03"])
    assert found[:3] == ["2026-01-01", "2026-01-02", "2026-01-04"]
    months = keys(
        schedule_type="MONTHLY", start="2026-01", end="2026-05", fmt="%Y-%m", exclusions=["2026-02"]
    )
    assert months == ["2026-01", "2026-03", "2026-04"]


def made(**params: object) -> dg.PartitionsDefinition[str]:
    return partitions(PartitionParams.model_validate(params), HERE.at)


def test_static_dynamic_and_two_dimensional_partitions_are_dagsters() -> None:
    static = {"type": "static", "keys": ["eu", "us"]}
    assert made(**static).get_partition_keys() == ["eu", "us"]
    dynamic = made(type="dynamic", name="tenants")
    assert isinstance(dynamic, dg.DynamicPartitionsDefinition)
    assert dynamic.name == "tenants"
    days = {"schedule_type": "DAILY", "start": "2026-01-01", "end": "2026-01-03"}
    both = made(dimensions={"region": static, "day": days})
    assert set(both.get_partition_keys()) == {
        "2026-01-01|eu", "2026-01-01|us", "2026-01-02|eu", "2026-01-02|us",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (
            {**DAILY, "exclusions": ["someday"]},
            "f.yaml:5:9: 'someday' is neither a partition's key nor a cron schedule\n  A key is "
            "written as `fmt` says, such as 2026-01-01; a cron as in '0 0 * * 6'.",
        ),
        (
            {
                "schedule_type": "WEEKLY",
                "start": "2026-01-01",
                "exclusions": ["2026-01-05"],
            },
            "f.yaml:5:9: no partition begins at '2026-01-05', which is to be excluded",
        ),
        (
            {**DAILY, "exclusions": ["0 0 * * *"]},
            "f.yaml:3:5: the exclusions leave no partition",
        ),
        (
            {"type": "static", "keys": ["a", "a"]},
            "f.yaml:3:5: these partitions are not possible: ",
        ),
        (
            {"dimensions": {"a": DAILY, "b": DAILY}},
            "f.yaml:3:5: of two dimensions only one can be of time: it is the window of a run",
        ),
        (
            {"dimensions": {"a": DAILY, "the region": {"type": "static", "keys": ["a"]}}},
            "f.yaml:3:5: the dimension 'the region' cannot be named in templates",
        ),
        (
            {"dimensions": {"a": DAILY, "b": {"type": "static", "keys": ["x|y"]}}},
            "f.yaml:3:5: the key 'x|y' holds the '|' that stands between the keys",
        ),
    ],
)
def test_what_no_partitions_can_be_is_told_with_its_place(
    params: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError) as error:
        made(**params)
    assert str(error.value).startswith(said)


UP_AND_DOWN = """
assets:
  - asset_key: t/up
    task_type: duckdb_query
    params: {query: SELECT 1}
  - asset_key: t/down
    task_type: duckdb_query
    depends_on: [t/up]
    EXTRA
    params: {query: SELECT 1}
partitions:
  - assets: [ASSETS]
    params: {start: "2026-01-01", schedule_type: DAILY}
"""


def down(root: Path, extra: str, assets: str = "t/up, t/down") -> dg.AssetsDefinition:
    text = UP_AND_DOWN.replace("EXTRA", extra).replace("ASSETS", assets)
    return shop(root, text).build().resolve_assets_def(dg.AssetKey(["t", "down"]))


@pytest.mark.parametrize(
    ("word", "mapping"),
    [
        ("identity", dg.IdentityPartitionMapping()),
        ("last", dg.LastPartitionMapping()),
        ("all", dg.AllPartitionMapping()),
    ],
)
def test_deps_mapping_is_dagsters(tmp_path: Path, word: str, mapping: dg.PartitionMapping) -> None:
    found = down(tmp_path, f"deps_mapping: {{t/up: {word}}}")
    (spec,) = found.specs
    (dep,) = spec.deps
    assert type(dep.partition_mapping) is type(mapping)


@pytest.mark.parametrize(
    ("yaml", "policy"),
    [
        ("backfill_policy: single_run", dg.BackfillPolicy.single_run()),
        ("backfill_policy: {max_partitions_per_run: 7}", dg.BackfillPolicy.multi_run(7)),
        ("group_name: g", None),
    ],
)
def test_a_backfill_policy_is_dagsters(
    tmp_path: Path, yaml: str, policy: dg.BackfillPolicy | None
) -> None:
    assert down(tmp_path, yaml).backfill_policy == policy


@pytest.mark.parametrize(
    ("extra", "assets", "said"),
    [
        ("deps_mapping: {t/upp: last}", "t/up, t/down", "deps_mapping names 't/upp', which the"),
        ("deps_mapping: {t/up: last}", "t/down", "deps_mapping names 't/up', which has no part"),
        ("deps_mapping: {t/up: identity}", "t/up", "the partitions of 't/up' cannot be those of"),
        ("backfill_policy: single_run", "t/up", "'t/down' has a backfill_policy, but no partit"),
    ],
)
def test_what_partitions_of_others_cannot_do_is_told_with_its_place(
    tmp_path: Path, extra: str, assets: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=rf"shop\.yaml:9:\d+: {said}"):
        down(tmp_path, extra, assets)
