"""Runs that are killed, and runs beside each other: as if there had been one after another."""

import multiprocessing
import os
import random
import signal
import time
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest

from tests.destinations.places import Place

Content = tuple[list[tuple[Any, ...]], list[tuple[Any, Any]]]

SPAWN = multiprocessing.get_context("spawn")
ROWS = 3000
UNTIL_S = 60.0


def rows(version: int) -> list[dict[str, Any]]:
    return [
        {"id": n, "v": version, "lines": [{"v": f"{version}.{i}"} for i in range(n % 3)]}
        for n in range(version, ROWS + version)
    ]


def content(place: Place) -> Content:
    return place.rows("orders", "id", "v"), place.nested("orders__lines", "v")


def _load(place: Place, strategy: str, marker: Path | None = None) -> None:
    pipeline = place.pipeline()
    if marker is not None:
        started = marker

        def progress(line: str) -> None:
            if line.startswith("loading"):
                started.touch()

        object.__setattr__(pipeline, "progress", progress)
    options: Any = {"disposition": "merge", "strategy": strategy}
    how = "replace" if strategy == "replace" else options
    pipeline.run(rows(2), table_name="orders", write_disposition=how, primary_key="id")


def wait_for(file: Path) -> None:
    until = time.monotonic() + UNTIL_S
    while not file.exists():
        assert time.monotonic() < until, f"{file} never came: did the process start?"
        time.sleep(0.001)


@pytest.mark.parametrize("strategy", ["replace", "delete-insert", "upsert"])
def test_a_run_killed_while_it_loads_and_run_again_is_as_if_never_killed(
    database: Place, strategy: str
) -> None:
    database.pipeline().run(rows(1), table_name="orders", primary_key="id")
    before = content(database)
    chance = random.Random(strategy)
    for attempt in range(3):
        marker = database.folder / f"loading{attempt}"
        run = SPAWN.Process(target=_load, args=(database, strategy, marker))
        run.start()
        wait_for(marker)
        time.sleep(chance.uniform(0, 0.25))
        os.kill(run.pid or 0, signal.SIGKILL)
        run.join()
        seen = content(database)
        if seen != before:
            break  # it was committed already, and then as a whole: see below
    _load(database, strategy)
    after = content(database)
    kept = [] if strategy == "replace" else [(1, 1)]
    assert after[0] == sorted([*kept, *((n, 2) for n in range(2, ROWS + 2))])
    lines = sorted((n, f"2.{i}") for n in range(2, ROWS + 2) for i in range(n % 3))
    assert sorted(after[1]) == sorted(lines + ([] if strategy == "replace" else [(1, "1.0")]))
    assert seen in (before, after)


def _load_part(place: Place, part: int, start: Event) -> None:
    start.wait()
    own = [
        {"id": part * 1000 + n, "day": part, f"c{part}": n, "lines": [{"n": n}]} for n in range(200)
    ]
    shared = [{"id": -n, "day": -1, "lines": [{"n": part}] * 3} for n in range(1, 50)]
    place.merge(own + shared, "upsert")


def test_partitions_that_load_at_once_end_as_if_one_after_another(database: Place) -> None:
    start = SPAWN.Event()
    runs = [SPAWN.Process(target=_load_part, args=(database, n, start)) for n in range(2)]
    for run in runs:
        run.start()
    start.set()
    for run in runs:
        run.join(UNTIL_S)
    assert [run.exitcode for run in runs] == [0, 0]
    keys = [n for part in range(2) for n in range(part * 1000, part * 1000 + 200)]
    assert database.rows("orders", "id") == [(n,) for n in sorted([*keys, *range(-49, 0)])]
    lines = database.nested("orders__lines", "n")
    assert len(lines) == len(keys) + 49 * 3
    last = {n for key, n in lines if key < 0}
    assert len(last) == 1  # all of them are from the run that came second
    assert {"c0", "c1"} <= set(database.read("orders")[0])
    assert len(database.read("_dlt_loads")) == 2
