"""What may be given to a run: sources, resources, generators, rows of many kinds."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest
from pydantic import BaseModel

from odp_dlt import dlt
from odp_dlt.errors import ConfigError
from tests.conftest import Loaded


@dataclass
class Point:
    """A row as a dataclass."""

    n: int


class Model(BaseModel):
    """A row as a model."""

    n: int


def generator() -> Iterator[Any]:
    yield {"n": 1}
    yield {"n": 2}


async def asynchronous() -> AsyncIterator[Any]:
    yield [{"n": 1}, {"n": 2}]


DATA: dict[str, Callable[[], Any]] = {
    "rows": lambda: [{"n": 1}, {"n": 2}],
    "pages": lambda: [[{"n": 1}], [{"n": 2}]],
    "a function": lambda: generator,
    "a generator": generator,
    "an async function": lambda: asynchronous,
    "an async generator": asynchronous,
    "dataclasses": lambda: [Point(1), Point(2)],
    "models": lambda: [Model(n=1), Model(n=2)],
    "a resource": lambda: dlt.resource(generator),
    "a transformer": lambda: [1, 2] | dlt.transformer(lambda n: {"n": n}, name="t"),
    "deferred rows": lambda: [dlt.defer(Point)(1), dlt.defer(Point)(2)],
}


@pytest.mark.parametrize("kind", DATA)
def test_rows_of_every_kind_are_loaded(kind: str, place: Loaded) -> None:
    place.load(DATA[kind](), table_name="t")
    assert place.rows("SELECT n FROM data.t ORDER BY n") == [(1,), (2,)]


def test_several_sources_and_resources_go_in_one_run(place: Loaded) -> None:
    def make(name: str) -> Any:
        return dlt.source(lambda: dlt.resource([{"n": name}], name=f"r_{name}"), name=name)

    loose = dlt.resource([{"n": "loose"}], name="loose")
    info = place.load([make("one"), make("two")(), loose])
    assert len(info.loads_ids) == 3
    found = {t: place.rows(f"SELECT n FROM data.{t}") for t in ("r_one", "r_two", "loose")}
    assert found == {"r_one": [("one",)], "r_two": [("two",)], "loose": [("loose",)]}


@pytest.mark.parametrize("data", ["text", {"a": 1}, 5, b"bytes"])
def test_what_is_no_data_is_refused(data: Any, place: Loaded) -> None:
    with pytest.raises(ConfigError, match="is no data to load"):
        place.load(data, table_name="t")


@pytest.mark.parametrize("table", [pa.table({"n": [1, 2]}), pa.record_batch({"n": [1, 2]})])
def test_arrow_is_data(table: Any, place: Loaded) -> None:
    place.load(table, table_name="t")
    assert place.rows("SELECT n FROM data.t ORDER BY n") == [(1,), (2,)]


def test_frames_are_data(place: Loaded) -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    place.load(pandas.DataFrame({"n": [1]}), table_name="t")
    place.load(polars.DataFrame({"n": [2]}), table_name="t")
    assert place.rows("SELECT n FROM data.t ORDER BY n") == [(1,), (2,)]
