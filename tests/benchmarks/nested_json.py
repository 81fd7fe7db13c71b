"""Nested JSON into DuckDB: this engine, dlt with Parquet, dlt as it comes, and DuckDB's own reader.

    python -m tests.benchmarks.nested_json [--file FILE.ndjson.gz] [--engines NAME …]

One process an engine, one after the other. Every engine gets the documents from the same generator,
which parses JSON as an API client would; `source` is that generator alone. DuckDB's reader is given
the file instead and makes one table of nested columns, so it does less. Without a file, documents
of the same depth are generated.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import alone, documents, real_dlt, timed, unpacked

NAME = "tests.benchmarks.nested_json"
ENGINES = ("source", "odp", "dlt-parquet", "dlt", "duckdb")


def run_source(path: Path, _folder: Path) -> int:
    return sum(len(page) for page in documents(path))


def run_odp(path: Path, folder: Path) -> int:
    from odp_dlt import dlt

    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.duckdb(str(folder / "odp.duckdb")),
        dataset_name="data",
    )
    info = pipeline.run(documents(path), table_name="documents")
    return sum(info.row_counts.values())


def run_dlt(path: Path, folder: Path, **how: Any) -> int:
    dlt = real_dlt(folder)
    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.duckdb(str(folder / "dlt.duckdb")),
        dataset_name="data",
    )
    pipeline.run(documents(path), table_name="documents", **how)
    counts = pipeline.last_trace.last_normalize_info.row_counts
    return sum(n for table, n in counts.items() if not table.startswith("_dlt_"))


def run_dlt_parquet(path: Path, folder: Path) -> int:
    return run_dlt(path, folder, loader_file_format="parquet")


def run_duckdb(path: Path, folder: Path) -> int:
    import duckdb

    with duckdb.connect(str(folder / "own.duckdb")) as con:
        con.execute(
            "CREATE TABLE documents AS SELECT * FROM read_json(?, maximum_object_size=100000000)",
            [str(path)],
        )
        found = con.execute("SELECT count(*) FROM documents").fetchone()
    return int(found[0]) if found else 0


RUN = {
    "source": run_source,
    "odp": run_odp,
    "dlt-parquet": run_dlt_parquet,
    "dlt": run_dlt,
    "duckdb": run_duckdb,
}


def measure(engine: str, path: Path) -> dict[str, Any]:
    """One run in a process of its own; imports are not counted, for any engine."""
    warm_up = {"odp": "odp_dlt.dlt", "dlt": "dlt", "dlt-parquet": "dlt"}
    for module in ("orjson", "duckdb", "pyarrow", warm_up.get(engine, "orjson")):
        __import__(module)
    with tempfile.TemporaryDirectory() as folder:
        rows: list[int] = []
        figures = timed(lambda: rows.append(RUN[engine](path, Path(folder))))
    return {"engine": engine, "rows": rows[0], **figures}


def report(results: list[dict[str, Any]]) -> str:
    rival = next((r["seconds"] for r in results if r["engine"] == "dlt-parquet"), None)
    lines = [f"{'engine':<12} {'seconds':>8} {'rows':>10} {'peak MB':>8} {'x dlt-parquet':>14}"]
    for r in results:
        ratio = f"{rival / r['seconds']:.1f}" if rival else ""
        figures = f"{r['seconds']:>8.2f} {r['rows']:>10,} {r['peak_mb']:>8.0f} {ratio:>14}"
        lines.append(f"{r['engine']:<12} {figures}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, help="documents, one a line, gzip")
    parser.add_argument("--documents", type=int, default=2000, help="how many to generate")
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=ENGINES)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        sys.stdout.write(json.dumps(measure(args.one, args.file)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = unpacked(args.file, args.documents, Path(folder))
        results = []
        for engine in args.engines:
            results.append(alone(NAME, "--one", engine, "--file", str(path)))
            sys.stdout.write(f"{engine}: {results[-1]['seconds']:.2f} s\n")
    sys.stdout.write(report(results) + "\n")


if __name__ == "__main__":
    main()
