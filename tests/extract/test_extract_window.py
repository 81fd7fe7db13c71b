"""A window in the type of the cursor, and the rows that it lets through."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.extract import current
from odp_dlt.extract.decorators import resource
from odp_dlt.extract.incremental import Incremental
from odp_dlt.extract.pages import pages
from odp_dlt.extract.resource import Resource
from odp_dlt.extract.source import Source
from odp_dlt.extract.window import Window
from odp_dlt.settings import Settings

OSLO = ZoneInfo("Europe/Oslo")
DAY = Window(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC))
OSLO_DAY = Window(datetime(2026, 7, 5, tzinfo=OSLO), datetime(2026, 7, 6, tzinfo=OSLO))
HOUR = Window(datetime(2026, 1, 5, 13, tzinfo=UTC), datetime(2026, 1, 5, 14, tzinfo=UTC))


def run(given: Resource, window: Window = DAY, state: dict[str, Any] | None = None) -> list[Any]:
    """The rows of one run for `window`."""
    kept = {} if state is None else state
    found = pages([Source("src", [given])], kept, Settings((), {}), "pipe", window)
    return [row for page in found for row in page.rows]


def rows_at(*values: Any) -> list[dict[str, Any]]:
    return [{"u": value} for value in values]


def within(cursor: Incremental[Any], values: Sequence[Any], window: Window = DAY) -> list[Any]:
    given = resource([rows_at(*values)], name="r", incremental=cursor)
    return [row["u"] for row in run(given, window)]


@pytest.mark.parametrize(
    ("window", "like", "expected"),
    [
        (DAY, datetime(2020, 1, 1), (datetime(2026, 1, 5), datetime(2026, 1, 6))),
        (DAY, datetime(2020, 1, 1, tzinfo=UTC), (DAY.start, DAY.end)),
        (OSLO_DAY, datetime(2020, 1, 1), (datetime(2026, 7, 4, 22), datetime(2026, 7, 5, 22))),
        (OSLO_DAY, date(2020, 1, 1), (date(2026, 7, 5), date(2026, 7, 6))),
        (OSLO_DAY, "2020-01-01", ("2026-07-05", "2026-07-06")),
        (OSLO_DAY, "20200101", ("20260705", "20260706")),
        (OSLO_DAY, "2020-01-01T00:00:00Z", ("2026-07-04T22:00:00Z", "2026-07-05T22:00:00Z")),
        (OSLO_DAY, "2020-01-01 00:00:00", ("2026-07-04 22:00:00", "2026-07-05 22:00:00")),
        (
            OSLO_DAY,
            "2020-01-01T00:00:00.000+02:00",
            ("2026-07-05T00:00:00.000+02:00", "2026-07-06T00:00:00.000+02:00"),
        ),
        (DAY, 1_577_836_800, (1767571200, 1767657600)),
        (DAY, 1_577_836_800_000, (1767571200000, 1767657600000)),
        (DAY, 1_577_836_800_000_000, (1767571200000000, 1767657600000000)),
        (DAY, 1_577_836_800_000_000_000, (1767571200000000000, 1767657600000000000)),
        (DAY, 1_577_836_800.5, (1767571200.0, 1767657600.0)),
    ],
)
def test_a_window_takes_the_type_of_the_cursor(
    window: Window, like: Any, expected: tuple[Any, Any]
) -> None:
    made = window.as_type_of(like)
    assert made == expected
    assert [type(value) for value in made] == [type(like)] * 2


def test_the_moments_of_a_library_stay_its_own() -> None:
    start, _ = DAY.as_type_of(pendulum.datetime(2020, 1, 1, tz="Europe/Oslo"))
    assert isinstance(start, pendulum.DateTime)
    assert start == DAY.start
    assert start.timezone_name == "Europe/Oslo"
    assert isinstance(DAY.as_type_of(pendulum.date(2020, 1, 1))[0], pendulum.Date)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)),
    st.sampled_from(["2020-01-01T00:00:00.000000Z", 1.5e15, 1_600_000_000_000_000]),
)
def test_a_moment_becomes_the_same_moment_in_every_type(start: datetime, like: Any) -> None:
    at = start.replace(tzinfo=UTC)
    made, _ = Window(at, at + timedelta(days=1)).as_type_of(like)
    if isinstance(like, str):
        assert datetime.fromisoformat(made) == at
    else:
        exact = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        assert made == exact


@pytest.mark.parametrize(
    ("initial", "window", "said"),
    [
        (None, DAY, "without an initial_value its type is not known"),
        (0, DAY, "0 does not tell whether it counts seconds, milliseconds"),
        (True, DAY, "True is no moment, no day, no ISO text and no epoch"),
        ("5 January 2026", DAY, "'5 January 2026' is not the text of a moment"),
        ("2026-01-05T10:00", DAY, "'2026-01-05T10:00' is not the text of a moment, to the second"),
        (date(2026, 1, 1), HOUR, "its values are days, .* 2026-01-05T13:00:00.* within a day"),
        ("2026-01-01", HOUR, "its values are days"),
    ],
)
def test_a_cursor_whose_type_is_not_known_is_refused(
    initial: Any, window: Window, said: str
) -> None:
    cursor: Incremental[Any] = Incremental("u", initial_value=initial)
    with pytest.raises(ConfigError, match=said) as error:
        within(cursor, [1], window)
    assert "resource 'r'" in str(error.value)
    assert "cannot be the range of the cursor 'u'" in str(error.value)
    assert "window: ignore" in str(error.value)


def test_the_start_is_in_the_window_and_the_end_is_not() -> None:
    moments = [DAY.start - timedelta(seconds=1), DAY.start, DAY.end - timedelta(seconds=1), DAY.end]
    cursor: Incremental[Any] = Incremental(
        "u", initial_value=datetime(2020, 1, 1, tzinfo=UTC), range_start="open", range_end="closed"
    )
    assert within(cursor, moments) == moments[1:3]


def test_neighbouring_windows_share_no_row_and_miss_none() -> None:
    values = [f"2026-01-0{day}T{hour:02d}:00:00Z" for day in (5, 6, 7) for hour in (0, 12, 23)]
    cursor: Incremental[Any] = Incremental("u", initial_value="2020-01-01T00:00:00Z")
    found = []
    for day in (5, 6, 7):
        start = datetime(2026, 1, day, tzinfo=UTC)
        found += within(cursor, values, Window(start, start + timedelta(days=1)))
    assert found == values


def test_a_falling_cursor_has_the_same_window() -> None:
    moments = [DAY.start - timedelta(seconds=1), DAY.start, DAY.end - timedelta(seconds=1), DAY.end]
    cursor: Incremental[Any] = Incremental(
        "u", initial_value=datetime(2020, 1, 1, tzinfo=UTC), last_value_func=min
    )
    assert within(cursor, moments) == moments[1:3]


def test_text_is_held_against_the_window_in_the_form_of_the_rows() -> None:
    values = [
        "2026-01-04T23:59:59.999Z", "2026-01-05T00:00:00.000Z", "2026-01-05T00:00:00.500Z",
        "2026-01-05T23:59:59.999Z", "2026-01-06T00:00:00.000Z", "2026-01-06T00:00:00.500Z",
    ]  # fmt: skip
    whole_seconds: Incremental[Any] = Incremental("u", initial_value="2020-01-01T00:00:00Z")
    assert within(whole_seconds, values) == values[1:4]
    days: Incremental[Any] = Incremental("u", initial_value="2020-01-01")
    late = ["2026-07-04T21:59:59Z", "2026-07-04T22:00:00Z", "2026-07-05T22:00:00Z"]
    assert within(days, late, OSLO_DAY) == late[1:2]


def test_numbers_are_held_against_the_window_in_the_unit_of_the_rows() -> None:
    cursor: Incremental[Any] = Incremental("u", initial_value=1_577_836_800)
    inside = 1767571200_000
    assert within(cursor, [inside - 1, inside, inside + 86_400_000]) == [inside]


def test_text_that_is_no_moment_is_told() -> None:
    cursor: Incremental[Any] = Incremental("u", initial_value="2020-01-01")
    with pytest.raises(SourceError, match="cannot be held against the run's window: 'soon'"):
        within(cursor, ["soon"])


def test_arrow_pages_have_the_same_window() -> None:
    moments = [DAY.start - timedelta(seconds=1), DAY.start, DAY.end]
    cursor: Incremental[Any] = Incremental("u", initial_value=datetime(2020, 1, 1, tzinfo=UTC))
    page = pa.table({"u": moments})
    [kept] = pages(
        [Source("src", [resource([page], name="r", incremental=cursor)])],
        {},
        Settings((), {}),
        "pipe",
        DAY,
    )
    assert kept.rows.column("u").to_pylist() == moments[1:2]


def test_a_windowed_run_leaves_the_live_cursor_where_it_is() -> None:
    state: dict[str, Any] = {}
    cursor: Incremental[Any] = Incremental("u", initial_value="2020-01-01T00:00:00Z")
    live = resource([rows_at("2026-02-01T00:00:00Z")], name="r", incremental=cursor)
    list(pages([Source("src", [live])], state, Settings((), {}), "pipe"))
    before = str(state)
    assert "2026-02-01" in before
    past = resource([rows_at("2026-01-05T10:00:00Z")], name="r", incremental=cursor)
    assert len(run(past, DAY, state)) == 1
    assert str(state) == before


def test_an_end_of_its_own_is_kept() -> None:
    cursor: Incremental[Any] = Incremental("u", initial_value=1, end_value=3)
    assert within(cursor, [0, 1, 2, 3]) == [1, 2]


def test_every_incremental_of_the_source_has_the_window() -> None:
    seen: dict[str, Any] = {}

    @resource(name="parents")
    def parents(since: Incremental[str] = Incremental("u", initial_value="2020-01-01")) -> Any:
        seen["parents"] = (since.start_value, since.end_value)
        yield rows_at("2026-01-05")

    @resource(name="others")
    def others(
        when: Incremental[datetime] = Incremental("at", initial_value=datetime(2020, 1, 1)),
    ) -> Any:
        seen["others"] = (when.start_value, when.end_value)
        seen["interval"] = current.interval()
        yield [{"at": datetime(2026, 1, 5, 3)}]

    found = pages([Source("src", [parents, others])], {}, Settings((), {}), "pipe", DAY)
    assert sum(len(page.rows) for page in found) == 2
    assert seen == {
        "parents": ("2026-01-05", "2026-01-06"),
        "others": (datetime(2026, 1, 5), datetime(2026, 1, 6)),
        "interval": (DAY.start, DAY.end),
    }


@pytest.mark.parametrize(("order", "step"), [("asc", 1), ("desc", -1)])
def test_a_source_in_order_is_read_no_further_than_the_window(order: Any, step: int) -> None:
    asked: list[int] = []

    @resource(name="r")
    def ordered(
        at: Incremental[date] = Incremental("u", initial_value=date(2020, 1, 1), row_order=order),
    ) -> Any:
        for day in list(range(1, 20))[::step]:
            asked.append(day)
            yield rows_at(date(2026, 1, day))

    assert [row["u"].day for row in run(ordered)] == [5]
    assert asked == ([*range(1, 7)] if step == 1 else [*range(19, 3, -1)])


def test_a_function_that_knows_neither_end_is_refused() -> None:
    cursor: Incremental[Any] = Incremental("u", initial_value=date(2020, 1, 1), last_value_func=len)
    with pytest.raises(ConfigError, match="last_value_func gives neither end"):
        within(cursor, [date(2026, 1, 5)])


def test_a_window_needs_a_zone_and_some_length() -> None:
    with pytest.raises(ConfigError, match="need a time zone"):
        Window(datetime(2026, 1, 1), datetime(2026, 1, 2))
    with pytest.raises(ConfigError, match="is empty"):
        Window(DAY.end, DAY.end.astimezone(timezone(timedelta(hours=5))))
