"""What a run leaves in a DuckDB file."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from odp_dlt import dlt
from odp_dlt.errors import (
    ConfigError,
    ContractError,
    DestinationBusy,
    DestinationError,
    SourceError,
    StateMoved,
)
from odp_dlt.pipeline.state import decode
from tests.conftest import Loaded

ORDERS = [
    {
        "id": 1,
        "customer": {"name": "Ada"},
        "lines": [{"sku": "x", "qty": 1}, {"sku": "y", "qty": 2}],
    },
    {"id": 2, "customer": {"name": "Bob"}, "lines": []},
]


def orders(rows: Any = ORDERS, **hints: Any) -> Any:
    @dlt.source
    def shop() -> Any:
        return dlt.resource(rows, name="orders", **hints)

    return shop()


def test_a_load_brings_rows_schema_state_and_its_record_in_one(place: Loaded) -> None:
    info = place.load(orders())
    assert place.rows("SELECT id, customer__name FROM data.orders ORDER BY id") == [
        (1, "Ada"),
        (2, "Bob"),
    ]
    assert place.rows(
        "SELECT o.id, l.sku, l._dlt_list_idx FROM data.orders__lines l "
        "JOIN data.orders o ON l._dlt_parent_id = o._dlt_id ORDER BY 3"
    ) == [(1, "x", 0), (1, "y", 1)]
    assert place.rows("SELECT load_id, schema_name, status FROM data._dlt_loads") == [
        (info.load_id, "shop", 0)
    ]
    ((version_hash, version),) = place.rows("SELECT version_hash, version FROM data._dlt_version")
    assert (version_hash, version) == (info.schema.version_hash, info.schema.version)
    ((state,),) = place.rows("SELECT state FROM data._dlt_pipeline_state")
    assert decode(state)["pipeline_name"] == "shop"


def test_info_tells_what_is_in_every_table_of_the_resource(place: Loaded) -> None:
    place.load(orders())
    info = place.load(orders([{"id": 3, "lines": []}]))
    assert {t.name: (t.rows, t.total) for t in info.tables.values()} == {
        "orders": (1, 3),
        "orders__lines": (0, 2),
    }
    assert info.tables["orders"].address == "data.orders"
    assert list(info.tables["orders"].columns.items())[:2] == [
        ("id", "BIGINT"),
        ("customer__name", "VARCHAR"),
    ]


def test_a_table_that_does_not_exist_is_not_in_the_info(place: Loaded) -> None:
    info = place.load(orders([]))
    assert info.load_id is not None  # the state is new
    assert dict(info.tables) == {}
    assert place.load(orders([])).load_id is None


def test_append_adds_and_replace_replaces_nested_rows_too(place: Loaded) -> None:
    place.load(orders())
    place.load(orders())
    assert place.rows("SELECT count(*) FROM data.orders__lines") == [(4,)]
    place.load(orders([{"id": 9, "lines": [{"sku": "z"}]}], write_disposition="replace"))
    assert place.rows("SELECT id FROM data.orders") == [(9,)]
    assert place.rows("SELECT sku FROM data.orders__lines") == [("z",)]
    place.load(orders([{"id": 10}], write_disposition="replace"))
    assert place.rows("SELECT count(*) FROM data.orders__lines") == [(0,)]


def test_columns_that_come_later_are_added(place: Loaded) -> None:
    first = place.load(orders())
    second = place.load(orders([{"id": 3, "note": "new"}]))
    assert list(place.columns("orders"))[-1] == "note"
    assert second.schema.version == first.schema.version + 1
    assert second.schema.previous_hashes[0] == first.schema.version_hash
    assert len(place.rows("SELECT * FROM data._dlt_version")) == 2


def test_a_value_of_another_type_in_a_later_run_goes_to_a_variant_column(place: Loaded) -> None:
    place.load(orders([{"id": 1, "v": 5}]))
    place.load(orders([{"id": 2, "v": "five"}]))
    assert place.rows("SELECT id, v, v__v_text FROM data.orders ORDER BY id") == [
        (1, 5, None),
        (2, None, "five"),
    ]


def test_declared_columns_come_first_and_keep_their_type(place: Loaded) -> None:
    columns = {
        "price": {"data_type": "decimal", "precision": 10, "scale": 2},
        "raw": {"data_type": "json"},
    }
    place.load(
        orders([{"id": 1, "price": 3, "raw": {"a": [1]}}], columns=columns, primary_key="id")
    )
    assert dict(list(place.columns("orders").items())[:3]) == {
        "price": "DECIMAL(10,2)",
        "raw": "JSON",
        "id": "BIGINT",
    }
    assert place.rows("SELECT price::VARCHAR, raw::VARCHAR FROM data.orders") == [
        ("3.00", '{"a":[1]}')
    ]


def test_a_disposition_that_the_destination_lacks_stops_before_anything_is_fetched(
    place: Loaded,
) -> None:
    fetched = []

    def rows() -> Iterator[Any]:
        fetched.append(1)
        yield {"id": 1}

    with pytest.raises(ConfigError, match=r"duckdb cannot skip \(resource 'orders'\)") as e:
        place.load(orders(rows, write_disposition="skip", primary_key="id"))
    assert e.value.hint == "It can: append, merge, replace."
    assert fetched == []
    assert not place.database.exists()


def test_a_source_that_fails_halfway_leaves_nothing(place: Loaded) -> None:
    def rows() -> Iterator[Any]:
        yield [{"id": i} for i in range(20_000)]
        raise RuntimeError("the API is gone")

    with pytest.raises(SourceError, match="RuntimeError: the API is gone"):
        place.load(orders(rows))
    assert not place.database.exists()
    assert packages(place) == []


def events(since: int) -> Any:
    @dlt.source
    def feed() -> Any:
        @dlt.resource
        def events(n: Any = dlt.sources.incremental("n", initial_value=0)) -> Iterator[Any]:
            yield [{"n": i} for i in range(max(since, n.last_value or 0), since + 5)]

        return events

    return feed()


def test_an_incremental_goes_on_where_the_last_load_ended(place: Loaded) -> None:
    place.load(events(0))
    info = place.load(events(2))
    assert info.row_counts == {"events": 2}
    assert place.rows("SELECT n FROM data.events ORDER BY n") == [(n,) for n in range(7)]
    ((state,),) = place.rows(
        "SELECT state FROM data._dlt_pipeline_state ORDER BY version DESC LIMIT 1"
    )
    cursor = decode(state)["sources"]["feed"]["resources"]["events"]["incremental"]["n"]
    assert cursor["last_value"] == 6


def test_two_runs_that_move_one_cursor_do_not_load_the_same_rows_twice(place: Loaded) -> None:
    @dlt.source
    def feed() -> Any:
        @dlt.resource
        def events(n: Any = dlt.sources.incremental("n", initial_value=0)) -> Iterator[Any]:
            yield {"n": 1}
            place.load(rival())  # another run commits while this one is extracting

        return events

    def rival() -> Any:
        @dlt.source(name="feed")
        def other() -> Any:
            return dlt.resource([{"n": 1}], name="events", incremental=dlt.sources.incremental("n"))

        return other()

    with pytest.raises(StateMoved, match="another run moved the state"):
        place.load(feed())
    assert place.rows("SELECT n FROM data.events") == [(1,)]


def test_two_runs_that_type_a_column_differently_do_not_both_win(place: Loaded) -> None:
    def rows() -> Iterator[Any]:
        yield {"id": 1, "v": 1}
        place.load(orders([{"id": 2, "v": "text"}]))

    with pytest.raises(StateMoved, match="another run made column 'v' of table 'orders' text"):
        place.load(orders(rows))
    place.load(orders([{"id": 1, "v": 1}]))
    assert place.rows("SELECT id, v FROM data.orders ORDER BY id") == [(1, "1"), (2, "text")]


def _load_part(place: Loaded, part: int, start: Any) -> None:
    start.wait()
    place.load(
        orders([{"id": part * 100 + n, "lines": [{"n": n}], f"c{part}": 1} for n in range(100)])
    )


def test_parallel_processes_load_into_one_file_as_if_one_after_another(place: Loaded) -> None:
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Event()
    runs = [spawn.Process(target=_load_part, args=(place, n, start)) for n in range(4)]
    for run in runs:
        run.start()
    start.set()
    for run in runs:
        run.join(60)
    assert [run.exitcode for run in runs] == [0] * 4
    assert place.rows("SELECT count(*), count(DISTINCT id) FROM data.orders") == [(400, 400)]
    assert place.rows("SELECT count(*) FROM data.orders__lines") == [(400,)]
    assert {f"c{n}" for n in range(4)} <= set(place.columns("orders"))
    assert len(place.rows("SELECT * FROM data._dlt_loads")) == 4


def test_parallel_threads_load_into_one_file_as_if_one_after_another(place: Loaded) -> None:
    ready = threading.Event()
    runs = [threading.Thread(target=_load_part, args=(place, n, ready)) for n in range(4)]
    for run in runs:
        run.start()
    ready.set()
    for run in runs:
        run.join()
    assert place.rows("SELECT count(*), count(DISTINCT id) FROM data.orders") == [(400, 400)]


def packages(place: Loaded) -> list[Path]:
    """The folders of loads that run, or whose process died."""
    return list((place.folder / "packages").glob("odp-load-*"))


def wait_for(file: Path) -> None:
    until = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < until, f"{file} never came: did the process start?"
        time.sleep(0.01)


def _load_slowly(place: Loaded, marker: Path) -> None:
    def rows() -> Iterator[Any]:
        for n in range(1000):
            yield [{"id": n * 1000 + i, "text": "x" * 100} for i in range(1000)]
            marker.write_text(str(n))

    place.load(orders(rows))


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_a_killed_run_leaves_nothing_and_its_folder_is_swept(place: Loaded, seconds: float) -> None:
    marker = place.folder / "running"
    run = multiprocessing.get_context("spawn").Process(target=_load_slowly, args=(place, marker))
    run.start()
    wait_for(marker)
    time.sleep(seconds)
    os.kill(run.pid or 0, signal.SIGKILL)
    run.join()
    assert len(packages(place)) == 1
    place.load(orders())
    assert place.rows("SELECT id FROM data.orders ORDER BY id") == [(1,), (2,)]
    assert packages(place) == []


def test_a_file_that_others_hold_is_waited_for_and_then_named(place: Loaded) -> None:
    holder = multiprocessing.get_context("spawn").Process(target=_hold, args=(place,))
    holder.start()
    wait_for(place.folder / "held")
    try:
        with pytest.raises(DestinationBusy, match=f"still held by process {holder.pid} after") as e:
            place.pipeline(wait_s=0.3).run(orders())
        assert "wait_s" in str(e.value)
    finally:
        holder.terminate()
        holder.join()
    assert place.load(orders()).row_counts == {"orders": 2, "orders__lines": 2}


def _hold(place: Loaded) -> None:
    with duckdb.connect(str(place.database)):
        (place.folder / "held").touch()
        time.sleep(60)


def test_a_file_that_is_not_duckdbs_is_refused_before_anything_is_fetched(place: Loaded) -> None:
    place.database.write_text("id,name\n1,a\n" * 1000)
    with pytest.raises(DestinationError, match="is not a DuckDB database file"):
        place.load(orders())


def test_discover_learns_the_schema_and_loads_nothing(place: Loaded) -> None:
    schema = place.pipeline().discover(orders(), limit=1)
    assert [t.name for t in schema.data_tables()] == ["orders", "orders__lines"]
    assert not place.database.exists()


def test_rows_that_a_contract_refuses_leave_nothing_behind(place: Loaded) -> None:
    with pytest.raises(ContractError, match="table 'orders' would be new"):
        place.load(orders(schema_contract="freeze"))
    assert not place.database.exists()


def test_a_dataset_named_like_its_file_is_loaded_and_addressed_in_full(place: Loaded) -> None:
    info = place.pipeline(dataset="place").run(orders())
    assert info.tables["orders"].address == "place.place.orders"
    assert place.rows("SELECT count(*) FROM place.place.orders") == [(2,)]
