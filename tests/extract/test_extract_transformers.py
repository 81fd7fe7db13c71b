"""Transformers, deferred work, async code and threads: the rows, their order, and who runs when."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import dlt as real_dlt
import pyarrow as pa
import pytest

from odp_dlt import dlt
from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.extract import current
from odp_dlt.extract.pages import Page, pages
from odp_dlt.extract.source import Source
from odp_dlt.settings import Settings

NOTHING = Settings((), {})
BOTH = pytest.mark.parametrize("lib", [dlt, real_dlt], ids=["ours", "dlt"])


def run(*resources: Any, state: dict[str, Any] | None = None) -> list[Page]:
    whole = Source("src", resources, section="sect")
    return list(pages([whole], {} if state is None else state, NOTHING, "pipe"))


def rows_of(found: list[Page]) -> dict[str, list[Any]]:
    rows: dict[str, list[Any]] = {}
    for page in found:
        rows.setdefault(page.resource.name, []).extend(page.rows)
    return rows


@BOTH
def test_a_transformer_gets_pages_as_they_were_yielded(lib: Any) -> None:
    seen = []

    @lib.resource(name="users")
    def users() -> Iterator[Any]:
        yield [{"id": 1}, {"id": 2}]
        yield {"id": 3}

    @lib.transformer
    def details(item: Any) -> Iterator[Any]:
        seen.append(item)
        for user in item if isinstance(item, list) else [item]:
            yield {"of": user["id"]}

    assert sorted(row["of"] for row in users | details) == [1, 2, 3]
    assert seen == [[{"id": 1}, {"id": 2}], {"id": 3}]


@BOTH
def test_a_transformer_may_return_a_row_a_page_nothing_or_be_chained(lib: Any) -> None:
    @lib.resource(name="numbers")
    def numbers() -> Iterator[int]:
        yield from range(4)

    @lib.transformer(data_from=numbers)
    def twice(n: int) -> Any:
        return None if n == 0 else n * 2

    @lib.transformer
    def pairs(n: int, extra: int) -> list[int]:
        return [n, extra]

    assert sorted(numbers | twice | pairs(9)) == [2, 4, 6, 9, 9, 9]


@BOTH
def test_rows_and_functions_can_be_piped_too(lib: Any) -> None:
    @lib.transformer
    def half(n: int) -> float:
        return n / 2

    def doubled(n: float) -> Iterator[float]:
        yield n
        yield n

    assert list([2, 4] | half) == [1.0, 2.0]
    assert list(lib.resource([1, 2], name="r") | (lambda n: n + 1)) == [2, 3]
    assert sorted(lib.resource([1, 2], name="r") | doubled) == [1, 1, 2, 2]


def test_a_parent_runs_once_for_all_and_is_not_loaded_unless_selected() -> None:
    calls = []

    @dlt.resource(selected=False)
    def users() -> Iterator[Any]:
        calls.append(current.resource_name())
        yield {"id": 1}
        yield {"id": 2}

    @dlt.transformer(data_from=users)
    def a(user: Any) -> Any:
        return {"a": user["id"], "by": current.resource_name()}

    @dlt.transformer(data_from=users)
    def b(user: Any) -> Any:
        return {"b": user["id"]}

    assert rows_of(run(users, a, b)) == {
        "a": [{"a": 1, "by": "a"}, {"a": 2, "by": "a"}],
        "b": [{"b": 1}, {"b": 2}],
    }
    assert calls == ["users"]
    assert set(rows_of(run(a))) == {"a"}


def test_copies_of_a_source_keep_parents_and_transformers_together() -> None:
    @dlt.resource
    def users() -> Iterator[Any]:
        yield from ({"id": n} for n in range(5))

    @dlt.transformer(data_from=users)
    def a(user: Any) -> Any:
        return user

    whole = Source("s", [users, a])
    part = whole.with_resources("a")
    part.users.add_limit(2)
    assert part.a.parent is part.users
    assert [page.rows for page in pages([part], {}, NOTHING, "p")] == [[{"id": 0}], [{"id": 1}]]


def test_a_transformer_works_off_a_page_before_its_parent_goes_on() -> None:
    log = []

    @dlt.resource
    def parent() -> Iterator[Any]:
        for n in range(2):
            log.append(f"page {n}")
            yield n

    @dlt.transformer(data_from=parent)
    def child(n: int) -> Iterator[Any]:
        for part in range(2):
            log.append(f"part {n}.{part}")
            yield part

    run(child)
    assert log == ["page 0", "part 0.0", "part 0.1", "page 1", "part 1.0", "part 1.1"]


def test_a_transformer_without_a_parent_and_a_pipe_into_a_resource_are_refused() -> None:
    @dlt.transformer
    def alone(item: Any) -> Any:
        return item

    with pytest.raises(ConfigError, match="'alone' has no data"):
        run(alone)
    with pytest.raises(ConfigError, match="is no transformer"):
        dlt.resource([1], name="a") | dlt.resource([1], name="b")
    with pytest.raises(ConfigError, match="takes no argument"):
        dlt.transformer(lambda: 1, name="none")


def test_deferred_calls_run_beside_each_other_and_keep_their_order() -> None:
    together = threading.Barrier(3, timeout=10)

    @dlt.defer
    def fetch(n: int) -> Any:
        together.wait()
        time.sleep(0.01 * (3 - n))
        return {"n": n}

    @dlt.resource
    def rows() -> Iterator[Any]:
        yield from (fetch(n) for n in range(3))

    @dlt.transformer
    @dlt.defer
    def details(item: Any) -> Any:
        together.wait()
        return [item, item]

    assert list(rows) == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert list([1, 2, 3] | details) == [1, 1, 2, 2, 3, 3]


def test_async_code_runs_and_awaitables_are_awaited_beside_each_other() -> None:
    async def later(n: int) -> Any:
        await asyncio.sleep(0.01 * (3 - n))
        return [n, current.resource_name()]

    @dlt.resource
    async def generator() -> AsyncIterator[Any]:
        for n in range(3):
            await asyncio.sleep(0)
            yield {"n": n}

    @dlt.resource
    async def function() -> Any:
        return [{"n": 1}, {"n": 2}]

    @dlt.resource
    def awaitables() -> Iterator[Any]:
        yield from (later(n) for n in range(3))

    @dlt.transformer
    async def plus(n: int) -> Any:
        return n + 1

    assert list(generator) == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert list(function) == [{"n": 1}, {"n": 2}]
    assert list(awaitables) == [0, "awaitables", 1, "awaitables", 2, "awaitables"]
    assert list([1, 2] | plus) == [2, 3]


def test_parallelized_resources_run_beside_each_other_with_their_own_pages_in_order() -> None:
    together = threading.Barrier(2, timeout=10)

    def make(name: str) -> Any:
        @dlt.resource(name=name, parallelized=True)
        def rows() -> Iterator[Any]:
            for n in range(3):
                together.wait()
                yield {"n": n, "in": current.resource_name()}

        return rows

    found = rows_of(run(make("a"), make("b")))
    assert found == {name: [{"n": n, "in": name} for n in range(3)] for name in ("a", "b")}


def test_a_parallelized_transformer_handles_several_items_at_once_in_order() -> None:
    together = threading.Barrier(2, timeout=10)

    @dlt.transformer(parallelized=True)
    def details(n: int) -> Iterator[Any]:
        together.wait()
        time.sleep(0.01 * (4 - n))
        yield n
        yield n

    assert list([1, 2, 3, 4] | details) == [1, 1, 2, 2, 3, 3, 4, 4]


@pytest.mark.parametrize("options", [{}, {"parallelized": True}])
def test_an_error_in_a_thread_is_told_with_resource_and_line(options: Any) -> None:
    @dlt.resource(**options)
    def rows() -> Iterator[Any]:
        yield 1
        yield dlt.defer(int)("no number")

    with pytest.raises(SourceError, match="resource 'rows', at page 2, raised ValueError"):
        run(rows)


def test_threads_and_loops_end_with_the_run_also_when_it_is_given_up() -> None:
    @dlt.resource
    async def endless() -> AsyncIterator[Any]:
        n = 0
        while True:
            n += 1
            yield {"n": n}

    @dlt.resource(parallelized=True)
    def more() -> Iterator[Any]:
        while True:
            yield {"n": 1}

    before = threading.active_count()
    reading = pages([Source("s", [endless, more])], {}, NOTHING, "p")
    for _ in range(4):
        next(reading)
    reading.close()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_a_resource_may_yield_other_resources_and_generators() -> None:
    inner = dlt.resource([{"n": 1}, {"n": 2}], name="inner")

    @dlt.resource
    def outer() -> Iterator[Any]:
        yield inner
        yield (n for n in (3, 4))

    assert list(outer) == [{"n": 1}, {"n": 2}, 3, 4]


def test_frames_of_pandas_and_polars_become_arrow() -> None:
    polars = pytest.importorskip("polars")
    found = run(dlt.resource([polars.DataFrame({"a": [1, 2]})], name="r"))
    assert [page.rows for page in found] == [pa.table({"a": [1, 2]})]


@BOTH
def test_a_name_may_be_made_of_the_arguments(lib: Any) -> None:
    @lib.resource(name=lambda bound: f"{bound['kind']}_rows", standalone=True)
    def rows(kind: str, page: int = 2) -> Iterator[Any]:
        yield {"kind": kind}

    assert rows("a").name == "a_rows"
    assert list(rows("a")) == [{"kind": "a"}]
