"""An incremental over Arrow pages, beside dlt's over the same."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
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
from tests.extract.test_extract_incremental import (
    CASES,
    BehindTheIncremental,
    Pages,
    Row,
    recorder,
    sorted_hashes,
)

NOT_BY_COLUMN = {
    *("own function", "own function, backfill", "nested", "from the root", "first of a list"),
    *("any of a list", "quoted"),
}
THEIRS_DIFFERS = {
    "included": "dlt puts the rows without a cursor at the end of the page",
    "excluded": "dlt refuses a page that lacks the column, whatever was said of missing values",
    "odd values in hashed rows": "dlt cannot hash a date of an Arrow table",
}


def tables(run: Pages) -> list[pa.Table]:
    return [pa.Table.from_pylist(page) for page in run]


def iter_of(items: list[Any]) -> Callable[[], Iterator[Any]]:
    def each() -> Iterator[Any]:
        yield from items

    return each


def ours(runs: list[Pages], options: Row, hints: Row) -> tuple[list[Any], Any]:
    state: Row = {}
    rows = []
    for run in runs:
        cursor = dlt.sources.incremental(**options)
        given = dlt.resource(iter(tables(run)), name="r", incremental=cursor, **hints)
        found = pages([Source("src", [given])], state, Settings((), {}), "pipe")
        rows.append([row for page in found for row in page.rows.to_pylist()])
    resources: Row = state.get("sources", {}).get("src", {}).get("resources", {})
    return rows, resources.get("r", {}).get("incremental", {})


def theirs(runs: list[Pages], options: Row, hints: Row, folder: Path) -> tuple[list[Any], Any]:
    pipeline = real_dlt.pipeline("oracle", destination="duckdb", pipelines_dir=str(folder))
    rows: list[Any] = []
    for run in runs:
        seen: list[Any] = []
        cursor = real_dlt.sources.incremental(**options)
        rows_of = iter_of(tables(run))
        given = real_dlt.resource(rows_of, name="r", incremental=cursor, **hints)
        given.add_step(BehindTheIncremental(recorder(seen)))
        source = real_dlt.sources.DltSource(real_dlt.Schema("src"), "src", [given])
        pipeline.extract(source, loader_file_format="parquet")
        rows.append([row for table in seen for row in table.to_pylist()])
    resources: Row = pipeline.state.get("sources", {}).get("src", {}).get("resources", {})
    return rows, resources.get("r", {}).get("incremental", {})


@pytest.mark.parametrize("case", sorted(set(CASES) - NOT_BY_COLUMN))
@pytest.mark.filterwarnings("ignore")
def test_arrow_pages_are_filtered_as_dlt_filters_them(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path))
    options, hints, runs = CASES[case]
    options = {"cursor_path": "u", **options}
    rows, state = ours(runs, options, hints)
    if case in THEIRS_DIFFERS:
        return
    their_rows, their_state = theirs(runs, options, hints, tmp_path)
    assert rows == their_rows
    assert sorted_hashes(state) == sorted_hashes(their_state)


def loaded(tables_: list[Any], state: Row, **options: Any) -> list[Any]:
    cursor = dlt.sources.incremental("u", **options)
    given = dlt.resource(iter(tables_), name="r", incremental=cursor)
    found = pages([Source("src", [given])], state, Settings((), {}), "pipe")
    return [row for page in found for row in page.rows.to_pylist()]


def test_rows_without_a_cursor_keep_their_place_when_they_are_included() -> None:
    page = pa.table({"u": [2, None, 1, 3]})
    assert loaded([page], {}, initial_value=2, on_cursor_value_missing="include") == [
        {"u": 2},
        {"u": None},
        {"u": 3},
    ]
    with pytest.raises(SourceError, match="the cursor is null in 1 row"):
        loaded([page], {})


@pytest.mark.parametrize("kind", [pa.timestamp("ns", tz="UTC"), pa.timestamp("s"), pa.string()])
def test_columns_of_any_moment_or_text_are_cursors(kind: pa.DataType) -> None:
    moments = [datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    values: list[Any] = [str(moment) for moment in moments] if kind == pa.string() else moments
    page = pa.table({"u": pa.array(values).cast(kind)})
    state: Row = {}
    assert len(loaded([page.slice(0, 2)], state)) == 2
    assert len(loaded([page], state)) == 1


def test_record_batches_stay_what_they_are() -> None:
    batch = pa.record_batch({"u": [1, 2]})
    given = dlt.resource(
        iter([batch]), name="r", incremental=dlt.sources.incremental("u", initial_value=2)
    )
    (page,) = pages([Source("src", [given])], {}, Settings((), {}), "pipe")
    assert page.rows == pa.record_batch({"u": [2]})


@pytest.mark.parametrize(
    ("page", "options", "says"),
    [
        (pa.table({"x": [1]}), {}, "has no column 'u'"),
        (pa.table({"u": ["a"]}), {"initial_value": 5}, "values do not compare"),
        (pa.table({"u": [1]}), {"last_value_func": sorted}, "can only be max or min"),
    ],
)
def test_what_columns_cannot_do_is_told(page: pa.Table, options: Row, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        loaded([page], {}, **options)


def test_two_cursors_of_one_resource_both_filter_and_both_are_kept() -> None:
    @dlt.resource
    def rows(
        a: dlt.sources.incremental[int] = dlt.sources.incremental("a", initial_value=1),
        b: dlt.sources.incremental[int] = dlt.sources.incremental("b", initial_value=1),
    ) -> Iterator[Any]:
        yield [{"a": 0, "b": 5}, {"a": 5, "b": 0}, {"a": 2, "b": 3}]

    state: Row = {}
    found = pages([Source("src", [rows])], state, Settings((), {}), "pipe")
    assert [row for page in found for row in page.rows] == [{"a": 2, "b": 3}]
    kept = state["sources"]["src"]["resources"]["rows"]["incremental"]
    assert {name: cursor["last_value"] for name, cursor in kept.items()} == {"a": 5, "b": 3}


def test_the_settings_may_give_the_range() -> None:
    @dlt.resource(section="mod")
    def rows(
        updated: dlt.sources.incremental[int] = dlt.sources.incremental("u", initial_value=1),
    ) -> Iterator[Any]:
        yield [{"u": n} for n in range(6)]

    variables = {
        "SOURCES__SRC__ROWS__UPDATED__INITIAL_VALUE": "2",
        "UPDATED__END_VALUE": "4",
        "UPDATED__RANGE_END": "closed",
    }
    found = pages([Source("src", [rows])], {}, Settings((), variables), "pipe")
    assert [row["u"] for page in found for row in page.rows] == [2, 3, 4]


def test_a_scheduler_may_give_the_range() -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)

    @dlt.resource
    def rows(
        u: Any = dlt.sources.incremental("u", initial_value=start, allow_external_schedulers=True),
    ) -> Iterator[Any]:
        yield [{"u": datetime(2024, 1, day, tzinfo=UTC)} for day in (1, 2, 3)]

    variables = {
        "DLT_INTERVAL_START": "2024-01-02T00:00:00Z",
        "DLT_INTERVAL_END": "2024-01-03T00:00:00Z",
    }
    state: Row = {}
    found = pages([Source("src", [rows])], state, Settings((), variables), "pipe")
    assert [row["u"].day for page in found for row in page.rows] == [2]
    assert state == {}, "a range with an end keeps no cursor"
    found = pages([Source("src", [rows])], {}, Settings((), {}), "pipe")
    assert [row["u"].day for page in found for row in page.rows] == [1, 2, 3]
