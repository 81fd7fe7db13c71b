"""Shapes that are hard on a columnar engine, into DuckDB: this engine beside dlt with Parquet.

    python -m tests.benchmarks.shapes [--shapes NAME …] [--scale FACTOR]

One process a load, one after the other; imports are not counted.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import alone, real_dlt

ENGINES = ("odp", "dlt")


def mixed(scale: float) -> Iterator[Any]:
    """Pages of rows with a column that is a number, a text, a list or nothing."""
    values: list[Any] = [1, "a", 2.5, None, [1, 2], {"q": 1}, "12"]
    for page in range(int(40 * scale)):
        yield [{"id": page * 1000 + n, "x": values[n % 7], "y": n % 3 or "z"} for n in range(1000)]


def single(scale: float) -> Iterator[Any]:
    """One row a yield."""
    for n in range(int(40_000 * scale)):
        yield {"id": n, "name": f"name {n}", "price": n / 7, "tags": {"a": n, "b": "x"}}


def wide(scale: float) -> Iterator[Any]:
    """Rows of 1,000 columns."""
    for page in range(int(10 * scale)):
        yield [{f"c{c}": page + n + c for c in range(1000)} for n in range(100)]


def deep(scale: float) -> Iterator[Any]:
    """Documents of ten levels."""

    def level(depth: int) -> dict[str, Any]:
        inside = [level(depth - 1) for _ in range(2)] if depth else []
        return {"n": depth, "text": f"level {depth}", "inside": inside}

    for page in range(int(10 * scale)):
        yield [{"id": page * 5 + n, **level(9)} for n in range(5)]


SHAPES: dict[str, Callable[[float], Iterator[Any]]] = {
    "mixed": mixed,
    "single": single,
    "wide": wide,
    "deep": deep,
}


def load(engine: str, shape: str, scale: float, folder: Path) -> float:
    """The seconds that `engine` takes for `shape`."""
    pages = SHAPES[shape](scale)
    if engine == "odp":
        from odp_dlt import dlt
    else:
        dlt = real_dlt(folder)
    how: dict[str, Any] = {} if engine == "odp" else {"loader_file_format": "parquet"}
    database = dlt.destinations.duckdb(str(folder / "bench.duckdb"))
    started = time.perf_counter()
    pipeline = dlt.pipeline("bench", destination=database, dataset_name="data")
    pipeline.run(pages, table_name="rows", **how)
    return time.perf_counter() - started


def measured(engine: str, shape: str, scale: float) -> float:
    return float(alone("tests.benchmarks.shapes", "--one", engine, shape, str(scale)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=SHAPES)
    parser.add_argument("--scale", type=float, default=1.0, help="how much of each")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        engine, shape, scale = args.one
        with tempfile.TemporaryDirectory() as folder:
            sys.stdout.write(json.dumps(load(engine, shape, float(scale), Path(folder))))
        return
    sys.stdout.write(f"{'shape':<8} {'odp s':>8} {'dlt s':>8} {'times':>6}\n")
    for shape in args.shapes:
        odp, dlt = (measured(engine, shape, args.scale) for engine in ENGINES)
        sys.stdout.write(f"{shape:<8} {odp:>8.2f} {dlt:>8.2f} {dlt / odp:>6.1f}\n")


if __name__ == "__main__":
    main()
