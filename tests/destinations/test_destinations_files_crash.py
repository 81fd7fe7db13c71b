"""kill -9 at every step of a load, loads at once, and readers meanwhile."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.destinations.file_places import S3, FilePlace, s3_server

ROOT = Path(__file__).parents[2]
MOST_STEPS = 60


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture(params=["local", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> FilePlace:
    if request.param == "local":
        return FilePlace(tmp_path, {"bucket_url": str(tmp_path / "lake")})
    server: S3 = request.getfixturevalue("s3")
    return FilePlace(tmp_path, {**server.params(), "lease_s": 0.6})


def process(lake: FilePlace, what: str, argument: int) -> subprocess.Popen[bytes]:
    params = {key: value for key, value in lake.params.items() if key != "bucket_url"}
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.destinations.file_crash_loads",
            lake.params["bucket_url"],
            orjson.dumps(params).decode(),
            what,
            str(argument),
        ],
        cwd=ROOT,
        stderr=subprocess.PIPE,
    )


def finished(running: subprocess.Popen[bytes]) -> int:
    _, errors = running.communicate(timeout=120)
    assert running.returncode in (0, -9), errors.decode()
    return running.returncode


def seen(lake: FilePlace) -> tuple[int, int]:
    """How many rows a reader sees of the table and its nested one, after checking that they fit."""
    tables = lake.destination().tables("data")
    orders = tables["orders"].read().column("load").to_pylist()
    items = tables["orders__items"].read().column("load").to_pylist()
    assert sorted(items) == sorted(orders * 2)
    return len(orders), len(items)


def test_a_load_killed_at_any_step_is_seen_whole_or_not_at_all(lake: FilePlace) -> None:
    lake.load([{"load": 0, "items": [{"load": 0}] * 2}] * 3, table_name="orders")
    old, new, ends = (3, 6), (2, 4), []
    steps = range(0, MOST_STEPS, 1 if lake.params.get("lease_s") is None else 4)
    for step in steps:
        died = finished(process(lake, "killed", step)) == -9
        ends.append(seen(lake))
        assert ends[-1] in (old, new)
        if not died:
            break
        lake.load(
            [{"load": 0, "items": [{"load": 0}] * 2}] * 3,
            table_name="orders",
            write_disposition="replace",
        )
        assert seen(lake) == old
        assert lake.files("_odp/pending") == []
    assert ends[0] == old
    assert ends[-1] == new
    lake.load([{"load": 5, "items": [{"load": 5}] * 2}], table_name="orders")
    counted = lake.destination().tables("data")
    listed = {file.path for table in counted.values() for file in table.content.files}
    assert set(lake.data_files()) <= listed


def test_parallel_loads_all_arrive_and_readers_see_only_whole_ones(lake: FilePlace) -> None:
    lake.load([{"load": 0, "items": [{"load": 0}] * 2}] * 5, table_name="orders")
    running = [process(lake, "append", first) for first in (10, 20, 30)]
    while any(each.poll() is None for each in running):
        orders, _ = seen(lake)
        assert orders % 5 == 0
    assert [finished(each) for each in running] == [0, 0, 0]
    assert seen(lake) == (50, 100)
    assert len(lake.files("_dlt_loads")) == 10
