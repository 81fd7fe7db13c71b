"""The rows that an incremental lets through, and the state that it leaves, are dlt's."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.common.utils import digest128
from dlt.extract.items_transform import MapItem

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.extract.decorators import resource
from odp_dlt.extract.incremental import Incremental
from odp_dlt.extract.pages import pages
from odp_dlt.extract.resource import Resource
from odp_dlt.extract.source import Source
from odp_dlt.settings import Settings

Row = dict[str, Any]
Pages = list[list[Row]]

NOTHING = Settings((), {})
FIRST: Pages = [[{"id": 1, "u": 1}, {"id": 2, "u": 2}], [{"id": 3, "u": 3}, {"id": 4, "u": 3}]]
SECOND: Pages = [
    [{"id": 3, "u": 3}, {"id": 5, "u": 3}, {"id": 6, "u": 4}, {"id": 1, "u": 1}],
    [{"id": 7, "u": 2}],
]


def loaded(given: Resource, state: dict[str, Any]) -> list[Any]:
    """The rows of one run of ours."""
    found = pages([Source("src", [given])], state, NOTHING, "pipe")
    return [row for page in found for row in page.rows]


def ours(runs: list[Pages], options: Row, hints: Row) -> tuple[list[list[Any]], Any]:
    state: dict[str, Any] = {}
    rows = [
        loaded(resource(iter(run), name="r", incremental=Incremental(**options), **hints), state)
        for run in runs
    ]
    resources: Row = state.get("sources", {}).get("src", {}).get("resources", {})
    return rows, resources.get("r", {}).get("incremental", {})


def recorder(seen: list[Any]) -> Callable[[Any], Any]:
    def record(row: Any) -> Any:
        seen.append(row)
        return row

    return record


def generator(run: Pages) -> Callable[[], Iterator[Any]]:
    def rows() -> Iterator[Any]:
        yield from run

    return rows


class BehindTheIncremental(MapItem):  # type: ignore[misc]
    """A step that sees what passed."""

    placement_affinity = 1.5


def theirs(runs: list[Pages], options: Row, hints: Row, folder: Path) -> tuple[list[Any], Any]:
    """The same of dlt."""
    never_fails = dlt.destinations.dummy(completed_prob=1.0)
    pipeline = dlt.pipeline("oracle", destination=never_fails, pipelines_dir=str(folder))
    rows: list[Any] = []
    for run in runs:
        seen: list[Any] = []
        cursor = dlt.sources.incremental(**options)
        given = dlt.resource(generator(run), name="r", incremental=cursor, **hints)
        given.add_step(BehindTheIncremental(recorder(seen)))
        schema = dlt.Schema("src")
        pipeline.run(dlt.sources.DltSource(schema, "src", [given]))
        rows.append(seen)
    resources: Row = pipeline.state.get("sources", {}).get("src", {}).get("resources", {})
    return rows, resources.get("r", {}).get("incremental", {})


def sorted_hashes(state: dict[str, Any]) -> dict[str, Any]:
    """A set has no order."""
    return {k: {**v, "unique_hashes": sorted(v["unique_hashes"])} for k, v in state.items()}


def ticks(*moments: Any) -> Pages:
    return [[{"id": number, "u": moment} for number, moment in enumerate(moments)]]


NAIVE = [datetime(2024, 1, day) for day in (1, 2, 3, 4)]
AWARE = [moment.replace(tzinfo=UTC) for moment in NAIVE]


def last_one(values: Sequence[Any]) -> Any:
    """A function of the user's own."""
    return sorted(values)[-1]


CASES: dict[str, tuple[Row, Row, list[Pages]]] = {
    "default": ({}, {}, [FIRST, SECOND]),
    "three runs": ({}, {}, [FIRST, SECOND, SECOND]),
    "key of the resource": ({}, {"primary_key": "id"}, [FIRST, SECOND]),
    "key of two columns": ({}, {"primary_key": ["id", "u"]}, [FIRST, SECOND]),
    "key of the incremental": ({"primary_key": "id"}, {"primary_key": "u"}, [FIRST, SECOND]),
    "no dedup": ({"primary_key": ()}, {}, [FIRST, SECOND]),
    "open start": ({"range_start": "open"}, {}, [FIRST, SECOND]),
    "initial value": ({"initial_value": 2}, {}, [FIRST, SECOND]),
    "open start with initial value": (
        {"initial_value": 2, "range_start": "open"},
        {},
        [FIRST, SECOND],
    ),
    "backfill": ({"initial_value": 1, "end_value": 3}, {}, [FIRST, SECOND]),
    "backfill, other ends": (
        {"initial_value": 1, "end_value": 3, "range_start": "open", "range_end": "closed"},
        {},
        [FIRST, SECOND],
    ),
    "lag": ({"lag": 2}, {}, [FIRST, SECOND]),
    "lag not beyond the initial value": ({"lag": 2, "initial_value": 2}, {}, [FIRST, SECOND]),
    "lag of seconds": ({"lag": 86400}, {}, [ticks(*AWARE[:3]), ticks(*AWARE)]),
    "lag of naive seconds": ({"lag": 86400}, {}, [ticks(*NAIVE[:3]), ticks(*NAIVE)]),
    "lag of days": (
        {"lag": 1},
        {},
        [ticks(*(m.date() for m in NAIVE[:3])), ticks(*(m.date() for m in NAIVE))],
    ),
    "lag of text": (
        {"lag": 3600},
        {},
        [ticks("2024-01-02T00:00:00Z"), ticks("2024-01-01T22:59:59Z", "2024-01-01T23:00:00Z")],
    ),
    "min": ({"last_value_func": min}, {}, [FIRST, SECOND]),
    "min backfill": (
        {"last_value_func": min, "initial_value": 4, "end_value": 2},
        {},
        [FIRST, SECOND],
    ),
    "own function": ({"last_value_func": last_one}, {}, [FIRST, SECOND]),
    "own function, backfill": (
        {"last_value_func": last_one, "initial_value": 1, "end_value": 3},
        {},
        [FIRST, SECOND],
    ),
    "included": (
        {"on_cursor_value_missing": "include"},
        {},
        [[[{"id": 1}, {"id": 2, "u": 2}]], [[{"id": 1}, {"id": 9, "u": None}, {"id": 2, "u": 2}]]],
    ),
    "excluded": (
        {"on_cursor_value_missing": "exclude"},
        {},
        [[[{"id": 1}]], [[{"id": 1}, {"id": 2, "u": 2}]]],
    ),
    "datetime": ({}, {}, [ticks(*AWARE[:3]), ticks(*AWARE)]),
    "naive rows, aware start": (
        {"initial_value": AWARE[1]},
        {},
        [ticks(*NAIVE[:3]), ticks(*NAIVE)],
    ),
    "decimal": ({}, {}, [ticks(Decimal("1.5"), Decimal(2)), ticks(Decimal(2), Decimal(3))]),
    "nested": (
        {"cursor_path": "m.u"},
        {},
        [[[{"m": {"u": 1}}]], [[{"m": {"u": 1}}, {"m": {"u": 2}}]]],
    ),
    "from the root": ({"cursor_path": "$.m.u"}, {}, [[[{"m": {"u": 1}}]], [[{"m": {"u": 2}}]]]),
    "quoted": ({"cursor_path": "'a.b'"}, {}, [[[{"a.b": 1}]], [[{"a.b": 1}, {"a.b": 2}]]]),
    "first of a list": (
        {"cursor_path": "l[0].u"},
        {},
        [[[{"l": [{"u": 1}]}, {"l": [{"u": 2}, {"u": 9}]}]], [[{"l": [{"u": 2}, {"u": 9}]}]]],
    ),
    "any of a list": (
        {"cursor_path": "l[*].u"},
        {},
        [[[{"l": [{"x": 1}, {"u": 1}]}]], [[{"l": [{"u": 1}]}, {"l": [{"u": 2}, {"u": 0}]}]]],
    ),
    "odd values in hashed rows": (
        {},
        {},
        [
            [[{"u": 1, "a": Decimal("1.10"), "b": b"x", "c": date(2024, 1, 1), "d": AWARE[0]}]],
            [[{"u": 1, "a": Decimal("1.10"), "b": b"x", "c": date(2024, 1, 1), "d": AWARE[0]}]],
        ],
    ),
    "descending": ({"row_order": "desc"}, {}, [FIRST, [SECOND[0], [{"id": 9, "u": 9}]]]),
    "ascending to the end": (
        {"row_order": "asc", "initial_value": 1, "end_value": 3},
        {},
        [[*FIRST, [{"id": 8, "u": 2}]]],
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore")
def test_incremental_loads_and_remembers_what_dlt_does(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path))
    options, hints, runs = CASES[case]
    options = {"cursor_path": "u", **options}
    rows, state = ours(runs, options, hints)
    their_rows, their_state = theirs(runs, options, hints, tmp_path)
    assert rows == their_rows
    assert sorted_hashes(state) == sorted_hashes(their_state)


def test_last_value_moves_after_every_page_and_start_value_stays() -> None:
    seen = []

    @resource
    def rows(u: Incremental[int] = Incremental("u", initial_value=0)) -> Iterator[Any]:
        for value in (1, 5, 3):
            seen.append((u.start_value, u.last_value))
            yield {"u": value}
        seen.append((u.start_value, u.last_value))

    state: dict[str, Any] = {}
    loaded(rows, state)
    loaded(rows, state)
    assert seen == [(0, 0), (0, 1), (0, 5), (0, 5), (5, 5), (5, 5), (5, 5), (5, 5)]


def test_an_incremental_given_in_the_call_is_laid_over_the_declared_one() -> None:
    @resource
    def rows(u: Incremental[int] = Incremental("u", initial_value=2)) -> Iterator[Any]:
        yield [{"u": 1}, {"u": 2}, {"u": 3}]

    assert loaded(rows(u=Incremental(initial_value=3)), {}) == [{"u": 3}]
    assert loaded(rows(3), {}) == [{"u": 3}]
    assert loaded(rows(u=None), {}) == [{"u": 1}, {"u": 2}, {"u": 3}]


def test_time_is_linear_however_many_rows_share_one_cursor_value() -> None:
    def seconds(pages_: int) -> float:
        given = resource(
            iter([{"id": n, "u": 1}] for n in range(pages_)), name="r", incremental=Incremental("u")
        )
        began = time.perf_counter()
        loaded(given, {})
        return time.perf_counter() - began

    seconds(1000)
    assert seconds(40_000) < 20 * max(seconds(4_000), 0.01)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"id": 1}, "the cursor is missing in a row; the row has: ['id']"),
        ({"u": None}, "the cursor is None in a row"),
        ({"u": "text"}, "values do not compare"),
    ],
)
def test_a_cursor_that_cannot_be_used_is_an_error_that_names_resource_and_path(
    row: Row, says: str
) -> None:
    given = resource([row], name="r", incremental=Incremental("u", initial_value=1))
    with pytest.raises(SourceError) as caught:
        loaded(given, {})
    assert says in str(caught.value)
    assert caught.value.at == "resource 'r', cursor 'u'"


@pytest.mark.parametrize(
    "options",
    [
        {"cursor_path": "$..u"},
        {"cursor_path": "l[?u > 1]"},
        {"cursor_path": "a..b"},
        {"cursor_path": ".a"},
        {"cursor_path": ""},
        {"cursor_path": "u", "last_value_func": "median"},
        {"cursor_path": "u", "range_start": "half"},
    ],
)
def test_what_is_not_supported_is_refused_when_declared(options: Row) -> None:
    with pytest.raises(ConfigError):
        Incremental(**options)


@pytest.mark.parametrize(
    "options", [{"end_value": 3}, {"initial_value": 5, "end_value": 3}, {"cursor_path": None}]
)
def test_a_range_that_is_none_is_refused_before_the_first_page(options: Row) -> None:
    given = resource(
        [{"u": 1}], name="r", incremental=Incremental(**{"cursor_path": "u", **options})
    )
    with pytest.raises(ConfigError, match="incremental of resource 'r'"):
        loaded(given, {})


def test_hashes_that_an_older_dlt_left_still_match() -> None:
    state: dict[str, Any] = {}
    loaded(resource([{"u": 1}], name="r", incremental=Incremental("u")), state)
    cursor = state["sources"]["src"]["resources"]["r"]["incremental"]["u"]
    cursor["unique_hashes"] = [digest128('{"u":1}')]
    again = resource([{"u": 1}, {"u": 1, "id": 2}], name="r", incremental=Incremental("u"))
    assert loaded(again, state) == [{"u": 1, "id": 2}]
