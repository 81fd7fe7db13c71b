from pathlib import Path

import pytest

from odp_dlt.definitions.partitions import time_windows
from odp_dlt.errors import ConfigError
from odp_dlt.workflow.models import Origin, PartitionParams, Position

HERE = Origin(
    {(): Position(Path("f.yaml"), 3, 5), ("hour_offset",): Position(Path("f.yaml"), 4, 7)}
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
