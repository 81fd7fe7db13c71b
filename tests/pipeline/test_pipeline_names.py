"""Tables of a run whose names become one."""

from collections.abc import Iterator
from typing import Any

import pytest

from odp_dlt import dlt
from odp_dlt.errors import ConfigError
from tests.conftest import Loaded


def rows(name: str, **hints: Any) -> Any:
    return dlt.resource([{"of": name}], name=name, **hints)


def both(*names: str) -> Any:
    return dlt.source(lambda: [rows(name) for name in names], name="shop")()


@pytest.mark.parametrize("names", [("Issues", "issues"), ("żółć", "名前"), ("a b", "aB")])
def test_two_resources_whose_tables_have_one_name_are_told_before_anything_is_fetched(
    names: tuple[str, str], place: Loaded
) -> None:
    fetched = []

    @dlt.resource(name=names[0])
    def first() -> Iterator[Any]:
        fetched.append(1)
        yield {"n": 1}

    with pytest.raises(ConfigError) as caught:
        place.load([first, rows(names[1])])
    assert f"the tables '{names[0]}' and '{names[1]}' would both be named" in str(caught.value)
    assert f"resources '{names[0]}' and '{names[1]}'" in str(caught.value.at)
    assert "say table_name=" in str(caught.value.hint)
    assert not fetched


def test_one_table_name_for_both_says_that_they_share_it(place: Loaded) -> None:
    place.load([rows("Issues", table_name="issues"), rows("issues")])
    assert place.rows('SELECT "of" FROM data.issues ORDER BY 1') == [("Issues",), ("issues",)]


def test_another_table_name_keeps_them_apart(place: Loaded) -> None:
    place.load([rows("Issues", table_name="old_issues"), rows("issues")])
    assert place.rows('SELECT "of" FROM data.old_issues') == [("Issues",)]
    assert place.rows('SELECT "of" FROM data.issues') == [("issues",)]


def test_a_resource_that_is_not_selected_keeps_the_table_that_it_has_loaded(place: Loaded) -> None:
    place.load(both("Issues", "issues").with_resources("Issues"))
    with pytest.raises(ConfigError, match="would both be named 'issues'"):
        place.load(both("Issues", "issues").with_resources("issues"))


def test_a_resource_may_be_spelled_otherwise_later(place: Loaded) -> None:
    place.load(both("Issues"))
    place.load(both("issues"))
    assert place.rows("SELECT count(*) FROM data.issues") == [(2,)]


def test_tables_that_rows_name_are_told_when_they_come_and_nothing_is_loaded(place: Loaded) -> None:
    found = dlt.resource(
        [{"kind": "PushEvent"}, {"kind": "push_event"}],
        name="events",
        table_name=lambda row: row["kind"],
    )
    with pytest.raises(ConfigError, match="'PushEvent' and 'push_event' would both be named") as e:
        place.load(found)
    assert e.value.at == "resource 'events'"
    marked = dlt.resource([dlt.mark.with_table_name({"n": 1}, "Others")], name="events")
    plain = dlt.resource([{"n": 1}], name="others")
    with pytest.raises(ConfigError, match="resources 'others' and 'events'"):
        place.load([marked, plain])
    place.load(plain)
    assert place.tables() >= {"others"} and "events" not in place.tables()
