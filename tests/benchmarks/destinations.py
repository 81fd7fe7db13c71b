"""Rows into PostgreSQL and into Parquet files: this engine beside dlt's ways of doing it.

    python -m tests.benchmarks.destinations [--file FILE.ndjson.gz] [--rows N] [--only NAME …]

One process a load, one after the other; imports are not counted. `flat` are rows of one table,
`nested` are documents; without a file these are generated. The server of PostgreSQL is the tests'
own, with a new database for each load; it is no part of the memory that is shown. dlt copies into
PostgreSQL by ADBC if its files are Parquet, and by COPY if they are CSV; the ratio is to the faster
one. Rows are counted in the destination.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from adbc_driver_postgresql import dbapi

from tests.benchmarks.measuring import alone, documents, real_dlt, timed, unpacked
from tests.destinations.places import Server, postgres_server

NAME = "tests.benchmarks.destinations"
ROWS_IN_PAGE = 5000
INPUTS = ("flat", "nested")
ENGINES = {
    "postgres": ("odp", "dlt-parquet", "dlt-csv"),
    "filesystem": ("odp", "dlt-parquet"),
}


def flat(count: int) -> Iterator[list[Any]]:
    """Pages of `count` rows of seven columns, as a client of an API would yield them."""
    start = datetime(2024, 1, 1, tzinfo=UTC)  # texts are made once: the source is every engine's
    moments = [(start + timedelta(minutes=n)).isoformat() for n in range(1440)]
    customers = [f"customer {n}" for n in range(4999)]
    for first in range(0, count, ROWS_IN_PAGE):
        yield [
            {
                "id": n,
                "customer": customers[n % 4999],
                "price": n * 7919 % 100_000 / 100,
                "paid": n % 3 == 0,
                "at": moments[n % 1440],
                "city": ("Oslo", "Rome", "Lima")[n % 3],
                "note": None if n % 5 else f"note {n}",
            }
            for n in range(first, min(first + ROWS_IN_PAGE, count))
        ]


def load(engine: str, place: str, where: str, pages: Iterator[list[Any]], folder: Path) -> None:
    """Load `pages` into the database or the folder `where`."""
    how: dict[str, Any] = {}
    if engine == "odp":
        from odp_dlt import dlt
    else:
        dlt = real_dlt(folder)
        how["loader_file_format"] = engine.removeprefix("dlt-")
    made = getattr(dlt.destinations, place)(where)
    pipeline = dlt.pipeline("bench", destination=made, dataset_name="data")
    pipeline.run(pages, table_name="rows", **how)


def measure(engine: str, place: str, where: str, given: str) -> dict[str, float]:
    """One run in this process; `given` is how many flat rows, or the file of the documents."""
    modules = ("orjson", "pyarrow.parquet", "pyarrow.dataset", "adbc_driver_postgresql.dbapi")
    for module in (*modules, "odp_dlt.dlt" if engine == "odp" else "dlt"):
        __import__(module)
    pages = flat(int(given)) if given.isdecimal() else documents(Path(given))
    with tempfile.TemporaryDirectory() as folder:
        return timed(lambda: load(engine, place, where, pages, Path(folder)))


def rows_in(place: str, where: str) -> int:
    """How many rows all tables of data hold together."""
    if place == "filesystem":
        files = Path(where, "data").rglob("*.parquet")
        data = (f for f in files if not any(part.startswith("_") for part in f.parts))
        return sum(pq.read_metadata(file).num_rows for file in data)
    with dbapi.connect(where) as con, con.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'data'")
        tables = [name for (name,) in cursor.fetchall() if not name.startswith("_")]
        counts = (f'SELECT count(*) AS n FROM data."{name}"' for name in tables)
        cursor.execute(f"SELECT sum(n)::bigint FROM ({' UNION ALL '.join(counts)}) AS counts")
        return int(cursor.fetchall()[0][0])


def compared(server: Server, place: str, given: str, rows: str) -> Iterator[str]:
    """Lines of a table: each engine's figures, and how many times as fast the first one is."""
    results = {}
    for engine in ENGINES[place]:
        with tempfile.TemporaryDirectory() as folder:
            where = folder if place == "filesystem" else server.new_database()
            figures = alone(NAME, "--one", engine, place, where, rows)
            results[engine] = {**figures, "rows": rows_in(place, where)}
    rival = min(r["seconds"] for engine, r in results.items() if engine != "odp")
    for engine, r in results.items():
        ratio = f"{rival / r['seconds']:.1f}" if engine == "odp" else ""
        figures = f"{r['seconds']:>8.2f} {r['rows']:>10,} {r['peak_mb']:>8.0f} {ratio:>6}"
        yield f"{place:<11} {given:<7} {engine:<12} {figures}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, help="documents, one a line, gzip")
    parser.add_argument("--documents", type=int, default=2000, help="how many to generate")
    parser.add_argument("--rows", type=int, default=1_000_000, help="how many flat rows")
    parser.add_argument("--only", nargs="+", default=[*ENGINES, *INPUTS], help="places, inputs")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        sys.stdout.write(json.dumps(measure(*args.one)))
        return
    places = [name for name in ENGINES if name in args.only] or list(ENGINES)
    inputs = [name for name in INPUTS if name in args.only] or list(INPUTS)
    head = f"{'seconds':>8} {'rows':>10} {'peak MB':>8} {'times':>6}"
    sys.stdout.write(f"{'place':<11} {'input':<7} {'engine':<12} {head}\n")
    with postgres_server() as server, tempfile.TemporaryDirectory() as folder:
        path = unpacked(args.file, args.documents, Path(folder))
        for place in places:
            for given in inputs:
                rows = str(args.rows) if given == "flat" else str(path)
                for line in compared(server, place, given, rows):
                    sys.stdout.write(f"{line}\n")
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
