from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odp_dlt.errors import ConfigError
from odp_dlt.sensors.seen import SLACK, Memory, Thing, news, recent_news

START = datetime(2026, 1, 1, tzinfo=UTC)
names = st.text("abcdef", min_size=1, max_size=3)
hours = st.integers(0, 200)
things = st.builds(
    lambda name, version, hour: Thing(name, str(version), START + timedelta(hours=hour)),
    names,
    st.integers(0, 3),
    hours,
)


@given(st.lists(st.lists(things, max_size=8), max_size=6), st.integers(1, 4))
def test_each_version_that_is_there_is_news_once(looks: list[list[Thing]], most: int) -> None:
    memory, marks = Memory(), set[str]()
    for there in looks:
        taken, memory = news(there, memory, most)
        assert len(taken) <= most
        assert not {one.mark for one in taken} & marks
        memory = Memory.of(memory.cursor())
        present = {one.mark for one in there}
        marks = (marks | {one.mark for one in taken}) & present
        assert memory.marks == marks


@given(st.lists(things, max_size=20, unique_by=lambda one: one.mark), st.integers(1, 5))
def test_looking_often_enough_brings_all_of_a_bucket(there: list[Thing], most: int) -> None:
    memory, found = Memory(), list[Thing]()
    for _ in range(len(there) + 1):
        taken, memory = recent_news(there, Memory.of(memory.cursor()), most)
        found += taken
    assert sorted(found, key=lambda one: one.mark) == sorted(there, key=lambda one: one.mark)
    assert [one.at for one in found] == sorted(one.at for one in there)


def test_what_becomes_visible_late_is_news_within_a_day_of_the_newest() -> None:
    newest = Thing("new", "1", START + timedelta(days=10))
    _, memory = recent_news([newest], Memory(), None)
    late = Thing("late", "1", newest.at - SLACK)
    too_late = Thing("too_late", "1", late.at - timedelta(seconds=1))
    assert recent_news([newest, late, too_late], memory, None)[0] == [late]


def test_a_bucket_is_remembered_for_a_day_only() -> None:
    there = [Thing(str(n), "1", START + timedelta(hours=n)) for n in range(1000)]
    taken, memory = recent_news(there, Memory(), None)
    assert len(taken) == 1000
    assert len(memory.marks) == 25


def test_a_cursor_of_something_else_is_told() -> None:
    for other in ("17", "{}", "not json"):
        with pytest.raises(ConfigError, match="the sensor's cursor is not one that this sensor"):
            Memory.of(other)
