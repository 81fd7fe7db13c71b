"""Answers of a real API: the same tables, columns, types and rows as dlt's."""

import gzip
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from tests.compat.oracle import Both, Case, by_dlt, by_ours, family, read, unlike

DATA = Path(__file__).parents[2].parent / "shared" / "data"
PAGE = 100
SMALL = ["pokeapi_berry", "pokeapi_type", "pokeapi_ability"]
LARGE = ["pokeapi_move", "pokeapi_pokemon"]  # minutes in dlt, but for its Parquet path

# Tables, and rows in all of them, that both make of the whole file.
MEASURED = {
    "pokeapi_berry": (2, 388),
    "pokeapi_type": (18, 3_818),
    "pokeapi_ability": (7, 24_275),
    "pokeapi_move": (15, 165_963),
    "pokeapi_pokemon": (16, 787_015),
}

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real inputs are not there")


def pages(name: str) -> Iterator[list[Any]]:
    with gzip.open(DATA / f"{name}.ndjson.gz") as lines:
        while page := [orjson.loads(line) for line in islice(lines, PAGE)]:
            yield page


def whole(name: str) -> list[Case]:
    """All documents of a file, to be read once."""
    return [Case(name, [pages(name)], copied=False)]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("real")
    dlts, ours = ([case for name in SMALL for case in whole(name)] for _ in range(2))
    return by_dlt(dlts, folder), by_ours(ours, folder)


@pytest.mark.parametrize("name", SMALL)
def test_a_file_becomes_the_tables_and_rows_of_dlt(name: str, both: Both) -> None:
    theirs, mine = (family(dataset, name) for dataset in both)
    assert (len(mine), sum(len(table.rows) for table in mine.values())) == MEASURED[name]
    assert unlike(theirs, mine) == []


@pytest.fixture(scope="module", params=LARGE)
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two databases that hold the same large file."""
    folder = tmp_path_factory.mktemp(request.param)
    by_dlt(whole(request.param), folder, rows=False, loader_file_format="parquet")
    by_ours(whole(request.param), folder, rows=False)
    return folder


def said(table: Any) -> dict[str, Any]:
    """What the schema says of a table, but for the format in which dlt was asked to load it."""
    return {key: value for key, value in table.stored.items() if key != "file_format"}


def test_a_large_file_becomes_the_tables_of_dlt(large: Path) -> None:
    theirs, mine = (read(large / f"{who}.duckdb", rows=False) for who in ("dlt", "odp"))
    assert {n: (t.columns, said(t)) for n, t in theirs.items()} == {
        n: (t.columns, said(t)) for n, t in mine.items()
    }


def test_a_large_file_becomes_the_rows_of_dlt(large: Path) -> None:
    with duckdb.connect() as con:
        for who in ("dlt", "odp"):
            con.execute(f"ATTACH '{large / who}.duckdb' AS {who} (READ_ONLY)")
        counts = []
        for table, columns in _contents(con):
            dlts, ours = (_fingerprint(con, who, table, columns) for who in ("dlt", "odp"))
            assert dlts == ours, table
            counts.append(ours[0])
        assert (len(counts), sum(counts)) in MEASURED.values()


def test_every_nested_row_of_a_large_file_has_its_parent(large: Path) -> None:
    stored = read(large / "odp.duckdb", rows=False)
    with duckdb.connect(str(large / "odp.duckdb"), read_only=True) as con:
        for name, table in stored.items():
            ids = con.execute(
                f"SELECT count(*), count(DISTINCT _dlt_id) FROM data.{name}"
            ).fetchone()
            assert ids is not None
            assert ids[0] == ids[1]
            parent = table.stored.get("parent")
            if parent is not None:
                orphans = con.execute(
                    f"SELECT 1 FROM data.{name} c ANTI JOIN data.{parent} p "
                    "ON c._dlt_parent_id = p._dlt_id"
                ).fetchall()
                assert orphans == []


def test_every_file_of_the_data_is_compared() -> None:
    assert {file.name.partition(".")[0] for file in DATA.glob("*.ndjson.gz")} == set(MEASURED)


def _contents(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, list[str]]]:
    """Every table with the columns whose values both should agree on: all but ids."""
    found = con.execute(
        "SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() "
        "WHERE database_name = 'odp' AND schema_name = 'data' AND table_name NOT LIKE '\\_dlt%' "
        "ESCAPE '\\' GROUP BY table_name"
    ).fetchall()
    for table, columns in found:
        ids = {"_dlt_id", "_dlt_parent_id", "_dlt_load_id"}
        yield table, [column for column in columns if column not in ids]


def _fingerprint(
    con: duckdb.DuckDBPyConnection, who: str, table: str, columns: list[str]
) -> tuple[int, int]:
    """How many rows there are, and a sum that all their values change, but not their order."""
    row = ", ".join(f'"{column}"' for column in columns)
    found = con.execute(
        f"SELECT count(*), sum(hash({row})::HUGEINT) FROM {who}.data.{table}"
    ).fetchone()
    assert found is not None
    return found[0], found[1]
