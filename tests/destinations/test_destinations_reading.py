"""Rows in parts: read as they are taken, on every destination."""

import itertools
from typing import Any

import pytest

from odp_dlt.errors import ConfigError, DestinationError
from tests.destinations.places import Place

RANGE = "SELECT range AS n FROM range(100000000000)"
SERIES = "SELECT generate_series(0, 100000000000) AS n"
COUNTED = "WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c"
ENDLESS = {"postgres": SERIES, "sqlite": COUNTED}


def endless(place: Place) -> str:
    """A SELECT that nobody can read to its end, in memory or at all."""
    return ENDLESS.get(place.destination.name, RANGE)


def test_the_first_parts_of_a_select_without_end_are_there_at_once(place: Place) -> None:
    place.load([{"id": 1}])
    relation = place.pipeline().dataset().query(endless(place))
    parts = relation.iter_arrow(1000)
    for first in (0, 1000, 2000):
        assert next(parts)["n"].to_pylist() == list(range(first, first + 1000))
    parts.close()  # type: ignore[attr-defined]
    assert next(relation.iter_fetch(2)) == [(0,), (1,)]
    assert next(relation.iter_df(3))["n"].tolist() == [0, 1, 2]


def test_who_stops_reading_lets_the_next_load_in(place: Place) -> None:
    place.load([{"id": 1}])
    for part in place.pipeline().dataset().query(endless(place)).iter_arrow(10):
        assert part.num_rows == 10
        break
    place.load([{"id": 2}])
    assert place.rows("orders", "id") == [(1,), (2,)]


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_parts_hold_every_row_once_and_all_but_the_last_are_full(place: Place, size: int) -> None:
    place.load([{"id": n, "text": str(n)} for n in range(20)])
    relation = place.pipeline().dataset().table("orders").select("id", "text").order_by("id")
    parts = list(relation.iter_fetch(size))
    assert [len(part) for part in parts[:-1]] == [size] * (len(parts) - 1)
    assert list(itertools.chain(*parts)) == [(n, str(n)) for n in range(20)]
    assert list(relation.where("id", "lt", 0).iter_arrow(size)) == []


def test_what_the_destination_refuses_is_an_error_at_the_first_part(place: Place) -> None:
    place.load([{"id": 1}])
    parts: Any = place.pipeline().dataset().query("SELECT nothing FROM orders").iter_arrow(5)
    with pytest.raises(DestinationError, match="nothing"):
        next(parts)


def test_parts_without_rows_are_refused(place: Place) -> None:
    place.load([{"id": 1}])
    with pytest.raises(ConfigError, match="parts of 0 rows have no rows"):
        place.pipeline().dataset().table("orders").iter_arrow(0)
