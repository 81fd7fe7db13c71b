"""A dataset of files that dlt began is continued here, and the other way round."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt as oracle
import pytest

from odp_dlt import dlt as ours
from tests.destinations.file_places import FilePlace


@pytest.fixture
def lake(tmp_path: Path) -> FilePlace:
    return FilePlace(tmp_path, {"bucket_url": str(tmp_path / "lake")})


def page(start: int) -> list[dict[str, Any]]:
    return [{"id": n, "u": n, "items": [{"n": n}]} for n in (start, start + 1)]


def load_with_dlt(lake: FilePlace, start: int, seen: list[Any], kind: str) -> None:
    @oracle.resource(name="orders")
    def orders(at: Any = oracle.sources.incremental("u", initial_value=0)) -> Iterator[Any]:
        seen.append(at.last_value)
        yield page(start)

    pipeline = oracle.pipeline(
        "shop",
        destination=oracle.destinations.filesystem(str(lake.folder / "lake")),
        dataset_name="data",
        pipelines_dir=str(lake.folder / f"dlt-{start}"),  # knows nothing but what is in the lake
    )
    pipeline.run(orders(), loader_file_format=kind)


def load_with_ours(lake: FilePlace, start: int, seen: list[Any], kind: str) -> None:
    @ours.resource(name="orders")
    def orders(at: Any = ours.sources.incremental("u", initial_value=0)) -> Iterator[Any]:
        seen.append(at.last_value)
        yield page(start)

    lake.pipeline(format=kind).run(orders())


def read_with_dlt(lake: FilePlace, table: str) -> list[tuple[Any, ...]]:
    pipeline = oracle.pipeline(
        "shop",
        destination=oracle.destinations.filesystem(str(lake.folder / "lake")),
        dataset_name="data",
        pipelines_dir=str(lake.folder / "dlt-reader"),
    )
    pipeline.sync_destination()
    with pipeline.sql_client() as client, client.execute_query(f"SELECT * FROM {table}") as found:
        names = [column[0] for column in found.description]
        return [tuple(dict(zip(names, row, strict=True)).values()) for row in found.fetchall()]


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
@pytest.mark.parametrize("begin_with_dlt", [True, False])
def test_three_loads_end_as_if_one_of_them_had_done_all(
    lake: FilePlace, kind: str, begin_with_dlt: bool
) -> None:
    loads = [load_with_dlt, load_with_ours, load_with_dlt, load_with_ours]
    seen: list[Any] = []
    for n, load in enumerate(loads if begin_with_dlt else loads[1:]):
        load(lake, n * 10 + 1, seen, kind)
    count = len(seen)
    assert seen == [0, *(n * 10 + 2 for n in range(count - 1))]
    expected = [(n * 10 + k,) for n in range(count) for k in (1, 2)]
    assert sorted(lake.rows("orders", "id")) == expected
    assert sorted(lake.rows("orders__items", "n")) == expected
    assert len(read_with_dlt(lake, "orders")) == len(expected)
    assert len(lake.files("_dlt_loads")) == count
    session = lake.destination().open("data", write=False)
    with session as found:
        assert found.count("orders") == len(expected)
        assert found.read("_dlt_loads").num_rows == count


def test_what_dlt_replaced_is_gone_here_too(lake: FilePlace) -> None:
    load_with_ours(lake, 1, [], "parquet")
    pipeline = oracle.pipeline(
        "shop",
        destination=oracle.destinations.filesystem(str(lake.folder / "lake")),
        dataset_name="data",
        pipelines_dir=str(lake.folder / "dlt"),
    )
    pipeline.run(
        [{"id": 9, "u": 9}],
        table_name="orders",
        write_disposition="replace",
        loader_file_format="parquet",
    )
    assert lake.rows("orders", "id") == [(9,)]
