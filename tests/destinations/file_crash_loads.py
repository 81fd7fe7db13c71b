"""Loads in processes of their own, for the tests that kill them, and for those that load at once.

argv: bucket_url, JSON of further params, what to do, an argument of that.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from odp_dlt.destinations.files.store import Store
from odp_dlt.destinations.filesystem import Filesystem
from odp_dlt.errors import StateMoved
from odp_dlt.pipeline.pipeline import Pipeline
from odp_dlt.settings import Settings

TRIES = 20


def main(argv: Sequence[str]) -> None:
    url, params, what, argument = argv
    destination = Filesystem.model_validate({"bucket_url": url, **orjson.loads(params)})
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = Settings.from_folder(home, {})
        pipeline = Pipeline("shop", destination, "data", settings, work_dir=home)
        if what == "killed":
            die_at_step(int(argument))
            pipeline.run(rows(1000, 2), table_name="orders", write_disposition="replace")
        else:
            for n in range(int(argument), int(argument) + 3):
                append(pipeline, n)


def append(pipeline: Pipeline, n: int) -> None:
    for attempt in range(TRIES):
        try:
            pipeline.run(rows(n, 5), table_name="orders")
            return
        except StateMoved:
            if attempt == TRIES - 1:
                raise


def rows(load: int, count: int) -> Iterator[Any]:
    yield [{"load": load, "items": [{"load": load}] * 2} for _ in range(count)]


def die_at_step(step: int) -> None:
    """Kill this process at its n-th step to the store that writes or deletes, just before it."""
    left = [step]

    def counted(name: str) -> None:
        real = getattr(Store, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        setattr(Store, name, call)

    for name in ("sink", "create", "delete"):
        counted(name)


if __name__ == "__main__":
    main(sys.argv[1:])
