"""A page that is a list of Arrow tables, record batches or data frames: taken as dlt takes it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt as real_dlt
import pyarrow as pa
import pytest

from odp_dlt import dlt
from odp_dlt.errors import SourceError
from odp_dlt.extract.pages import pages
from odp_dlt.extract.source import Source
from odp_dlt.settings import Settings
from tests.compat.oracle import Both, Case, by_both
from tests.conftest import Loaded

pd: Any = pytest.importorskip("pandas")
pl: Any = pytest.importorskip("polars")

Row = dict[str, Any]
BOTH = pytest.mark.parametrize("lib", [real_dlt, dlt], ids=["dlt", "ours"])


def table(start: int, count: int = 3) -> pa.Table:
    numbers = range(start, start + count)
    return pa.table({"n": list(numbers), "name": [f"row {n}" for n in numbers]})


CASES = [
    Case("tables", [[[table(0), table(3)], [table(6)]]]),
    Case("batches", [[[table(0).to_batches()[0], table(3).to_batches()[0]]]]),
    Case("tables_and_batches", [[[table(0), table(3).to_batches()[0]]]]),
    Case("pandas", [[[pd.DataFrame({"n": [1, 2]}), pd.DataFrame({"n": [3]})]]]),
    Case("polars_and_arrow", [[[pl.DataFrame({"n": [1, 2]}), pa.table({"n": [3]})]]]),
    Case("several_runs", [[[table(0), table(3)]], [[table(6), table(9)]]]),
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    return by_both(CASES, tmp_path_factory.mktemp("arrow_pages"), loader_file_format="parquet")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_list_of_arrow_loads_the_rows_that_dlt_loads(case: Case, both: Both) -> None:
    theirs, mine = (dataset[case.name] for dataset in both)
    assert len(mine.rows) >= 3
    assert sorted(mine.rows, key=str) == sorted(theirs.rows, key=str)
    assert mine.columns == theirs.columns


@BOTH
def test_a_transformer_gets_the_list_as_it_was_yielded(lib: Any) -> None:
    seen = []

    def parts() -> Iterator[Any]:
        yield [table(0), table(3)]

    def look(page: Any) -> Iterator[Row]:
        seen.append([part.num_rows for part in page])
        yield {"rows": sum(part.num_rows for part in page)}

    found = list(lib.resource(parts, name="parts") | lib.transformer(look, name="look"))
    assert (found, seen) == ([{"rows": 6}], [[3, 3]])


@BOTH
def test_maps_and_filters_get_the_tables_of_a_list_one_by_one(lib: Any) -> None:
    def parts() -> Iterator[Any]:
        yield [table(0, 2), table(2, 5)]

    resource = lib.resource(parts, name="parts")
    resource.add_map(lambda part: part.slice(1)).add_filter(lambda part: part.num_rows > 1)
    assert [part["n"].to_pylist() for part in resource] == [[3, 4, 5, 6]]


@BOTH
def test_a_limit_of_rows_counts_those_of_every_table_in_the_list(lib: Any) -> None:
    def parts() -> Iterator[Any]:
        for start in range(0, 100, 4):
            yield [table(start, 2), table(start + 2, 2)]

    limited = lib.resource(parts, name="parts").add_limit(6, count_rows=True)
    assert sum(part.num_rows for part in limited) == 8


def test_a_cursor_filters_every_table_of_the_list(place: Loaded) -> None:
    def parts(until: int) -> Any:
        def read(seen: Any = dlt.sources.incremental("n", initial_value=2)) -> Iterator[Any]:
            yield [table(0, 3), table(3, until - 3)]

        return dlt.resource(read, name="parts")

    place.load(parts(5))
    place.load(parts(8))
    assert place.rows("SELECT list(n ORDER BY n) FROM data.parts") == [([2, 3, 4, 5, 6, 7],)]


def test_rows_among_the_tables_of_a_page_are_refused() -> None:
    mixed = dlt.resource(lambda: iter([[table(0), {"n": 1}]]), name="parts")
    with pytest.raises(
        SourceError, match="resource 'parts' yields a list of Arrow tables with a d"
    ):
        list(mixed)


def test_hints_that_are_functions_of_the_row_are_refused_for_a_list_of_tables(
    tmp_path: Path,
) -> None:
    def parts() -> Iterator[Any]:
        yield [table(0), table(3)]

    routed = dlt.resource(parts, name="parts", table_name=lambda row: row["name"])
    with pytest.raises(SourceError, match="yields Arrow, and its hints are functions of the row"):
        list(pages([Source("s", [routed])], {}, Settings((), {}), "p"))
