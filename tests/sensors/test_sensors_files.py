import os
from pathlib import Path
from typing import Any

import pytest

from odp_dlt.tasks.params import ParamError
from tests.sensors.watching import Watched, watched


def write(file: Path, text: str, age_s: float = 60) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    moment = file.stat().st_mtime - age_s
    os.utime(file, (moment, moment))
    return file


def inbox(root: Path, **params: Any) -> Watched:
    return watched(root, "file", path="inbox/**/*.csv", **params)


def test_each_new_file_starts_a_run_with_its_name(tmp_path: Path) -> None:
    file = write(tmp_path / "inbox/2026/a b.csv", "1")
    write(tmp_path / "inbox/notes.txt", "no")
    sensor = inbox(tmp_path)
    (start,) = sensor.look().starts
    assert start.values == {
        "file_uri": file.as_uri(),
        "file_path": str(file),
        "file_name": "a b.csv",
    }
    again = sensor.look()
    assert (again.starts, again.skipped) == ((), "no new or changed file among 1")


def test_a_changed_file_starts_another_run(tmp_path: Path) -> None:
    file = write(tmp_path / "inbox/a.csv", "1")
    sensor = inbox(tmp_path)
    (first,) = sensor.look().starts
    write(file, "1, 2", age_s=30)
    (second,) = sensor.look().starts
    assert first.key != second.key
    assert first.values == second.values


def test_a_file_that_was_made_long_ago_and_moved_here_is_new(tmp_path: Path) -> None:
    write(tmp_path / "inbox/new.csv", "1")
    sensor = inbox(tmp_path)
    assert sensor.values("file_name") == ["new.csv"]
    write(tmp_path / "old.csv", "1", age_s=10**7).rename(tmp_path / "inbox/old.csv")
    assert sensor.values("file_name") == ["old.csv"]


def test_a_file_that_is_being_written_waits(tmp_path: Path) -> None:
    file = write(tmp_path / "inbox/a.csv", "1", age_s=5)
    sensor = inbox(tmp_path)
    assert sensor.values("file_name") == []
    os.utime(file, (0, file.stat().st_mtime - 6))
    assert sensor.values("file_name") == ["a.csv"]


def test_many_files_start_their_runs_bit_by_bit_the_oldest_first(tmp_path: Path) -> None:
    for number in range(5):
        write(tmp_path / f"inbox/{number}.csv", "1", age_s=100 - number)
    sensor = inbox(tmp_path, at_once=2)
    looks = [sensor.values("file_name") for _ in range(4)]
    assert looks == [["0.csv", "1.csv"], ["2.csv", "3.csv"], ["4.csv"], []]


def test_files_of_the_first_look_can_be_skipped(tmp_path: Path) -> None:
    write(tmp_path / "inbox/there.csv", "1")
    sensor = inbox(tmp_path, first="skip")
    assert sensor.values("file_name") == []
    write(tmp_path / "inbox/new.csv", "1")
    assert sensor.values("file_name") == ["new.csv"]


@pytest.mark.parametrize(
    ("pattern", "name", "partition"),
    [
        (r"sales_(\d{4}-\d\d-\d\d)\.csv", "sales_2026-01-05.csv", "2026-01-05"),
        (r"(\d{4})(\d\d)(\d\d)", "20260105.csv", "2026-01-05"),
        (r"(?P<region>\w\w)/(?P<day>[\d-]+)\.csv", "no/2026-01-05.csv", "2026-01-05|no"),
    ],
)
def test_a_files_name_says_its_partition(
    tmp_path: Path, pattern: str, name: str, partition: str
) -> None:
    write(tmp_path / "inbox" / name, "1")
    write(tmp_path / "inbox/readme.csv", "1")
    sensor = inbox(tmp_path, partition_pattern=pattern)
    (start,) = sensor.look().starts
    assert start.partition == partition
    assert sensor.look().skipped == (
        "no new or changed file among 1; 1 do not fit partition_pattern"
    )


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"partition_pattern": "(\\d"}, "'partition_pattern': .* it is no regular expression"),
        ({"partition_pattern": "\\d"}, "it needs a group in parentheses"),
        ({"partition_pattern": "(a)(?P<b>c)"}, "either all of its groups have names, or none"),
        ({"settled_for": "soon"}, "'settled_for': it must be a span of time such as 90s"),
        ({"glob": "*"}, "unknown param 'glob'"),
    ],
)
def test_wrong_params_are_told(tmp_path: Path, params: dict[str, Any], said: str) -> None:
    with pytest.raises(ParamError, match=said):
        inbox(tmp_path, **params)
