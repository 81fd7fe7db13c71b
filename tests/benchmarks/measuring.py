"""What the benchmarks share: documents to load, and one run in a process of its own, measured."""

import gzip
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PAGE = 100
"""Documents in a page, as a client of an API would yield them."""


def generated(count: int) -> Iterator[bytes]:
    """Documents five levels deep, of some 500 nested rows each."""
    dice = random.Random(7)
    for number in range(count):
        moves = [
            {
                "move": {
                    "name": f"move-{dice.randrange(900)}",
                    "url": f"https://api/{dice.random()}",
                },
                "details": [
                    {
                        "level": dice.randrange(100),
                        "method": {"name": "machine", "url": "https://api/method/4/"},
                        "group": {"name": f"v{n}", "url": f"https://api/v/{n}/"},
                        "order": None if n % 2 else n,
                    }
                    for n in range(dice.randrange(1, 12))
                ],
            }
            for _ in range(80)
        ]
        sprites = {
            "front": {"default": "https://i/1.png", "shiny": None},
            "other": {"home": {"x": "y"}},
        }
        document = {"id": number, "name": f"thing-{number}", "moves": moves, "sprites": sprites}
        yield json.dumps(document).encode()


def documents(path: Path) -> Iterator[list[Any]]:
    """Pages of parsed documents."""
    import orjson

    page = []
    with path.open("rb") as lines:
        for line in lines:
            page.append(orjson.loads(line))
            if len(page) == PAGE:
                yield page
                page = []
    yield page


def unpacked(file: Path | None, count: int, folder: Path) -> Path:
    """The documents of `file`, or else `count` generated ones, as lines of a file in `folder`."""
    target = folder / "documents.ndjson"
    with target.open("wb") as out:
        if file is None:
            out.writelines(document + b"\n" for document in generated(count))
        else:
            with gzip.open(file, "rb") as packed:
                while block := packed.read(1 << 20):
                    out.write(block)
    return target


def real_dlt(folder: Path) -> Any:
    """dlt, at home in `folder`."""
    os.environ.update(
        DLT_DATA_DIR=str(folder), RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="ERROR"
    )
    import dlt

    return dlt


def timed(load: Callable[[], object]) -> dict[str, float]:
    """The seconds that `load` takes, and the peak memory in MB of this process and its largest
    child.
    """
    started = time.perf_counter()
    load()
    seconds = time.perf_counter() - started
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = sum(resource.getrusage(who).ru_maxrss for who in both) / 1024
    return {"seconds": seconds, "peak_mb": peak}


def alone(module: str, *args: str) -> Any:
    """What the benchmark `module` prints last, as JSON, when it runs with `args` by itself."""
    command = [sys.executable, "-m", module, *args]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])
