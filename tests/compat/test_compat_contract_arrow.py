"""Arrow tables and data frames of the source, as dlt loads them where it does."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from tests.compat.contract_cases import Case, Step, by_dlt, by_ours
from tests.compat.differences_contract import DIFFERENCES
from tests.compat.oracle import family, plain_rows, unlike

AT = datetime(2024, 1, 2, 3, 4, 5, 6)
ALL_TYPES = pa.table(
    {
        "i8": pa.array([1], pa.int8()),
        "i32": pa.array([1], pa.int32()),
        "i64": [1],
        "f32": pa.array([1.5], pa.float32()),
        "text": ["x"],
        "large": pa.array(["x"], pa.large_string()),
        "words": pa.array(["x"]).dictionary_encode(),
        "seconds": pa.array([datetime(2024, 1, 1)], pa.timestamp("s")),
        "micros": pa.array([AT], pa.timestamp("us")),
        "zoned": pa.array([AT], pa.timestamp("us", "Europe/Berlin")),
        "nanos": pa.array([AT], pa.timestamp("ns")),
        "amount": pa.array([Decimal("1.25")], pa.decimal128(10, 2)),
        "yes": [True],
        "raw": [b"x"],
        "fixed": pa.array([b"ab"], pa.binary(2)),
        "day": [date(2024, 1, 1)],
        "day64": pa.array([datetime(2024, 1, 1)], pa.date64()),
        "clock": pa.array([time(1, 2, 3)], pa.time64("us")),
        "clock32": pa.array([time(1, 2, 3)], pa.time32("s")),
        "nothing": pa.nulls(1),
        "Camel Case": [1],
    }
)
ONE = pa.table({"a": [1]})


def arrow(name: str, *runs: Any, own: Any = None, **more: Any) -> Case:
    """Runs of one Arrow table each; `own` is the contract of the last one."""
    steps = [Step([page]) for page in runs[:-1]]
    return Case(name, [*steps, Step([runs[-1]], own)], **more)


CASES = [
    arrow("all_types", ALL_TYPES),
    arrow("batch", pa.RecordBatch.from_pydict({"a": [1, None]})),
    arrow("not_null", pa.table([pa.array([1])], pa.schema([pa.field("a", pa.int64(), False)]))),
    arrow("empty", ONE.slice(0, 0)),
    arrow("declared", ONE, hints={"columns": {"a": {"data_type": "double"}}}),
    arrow("with_key", ONE, hints={"primary_key": "a"}),
    arrow("grows", ONE, pa.table({"a": [2], "b": ["x"]})),
    Case("union", [Step([ONE, pa.table({"b": [1]})])]),
    arrow(
        "discard_row", ONE, pa.table({"a": [2, 3], "b": [1, None]}), own={"columns": "discard_row"}
    ),
    arrow("discard_value", ONE, pa.table({"a": [2], "b": [1]}), own={"columns": "discard_value"}),
]

DIFFERENT = [
    Case(
        "arrow_then_rows",
        [Step([ONE, {"a": 2, "k": [1]}])],
        differs="arrow-mixed",
        ours={"arrow_then_rows": [{"a": 1}, {"a": 2}], "arrow_then_rows__k": [{"value": 1}]},
    ),
    Case(
        "rows_then_arrow",
        [Step([{"a": 2}]), Step([ONE])],
        differs="arrow-mixed",
        ours={"rows_then_arrow": [{"a": 2}, {"a": 1}]},
    ),
    Case(
        "arrow_then_rows_later",
        [Step([ONE]), Step([{"a": 2}])],
        differs="arrow-mixed",
        ours={"arrow_then_rows_later": [{"a": 1}, {"a": 2}]},
    ),
    Case(
        "conflict",
        [Step([ONE, pa.table({"a": ["7", "x"]})])],
        differs="arrow-type-conflict",
        ours={"conflict": [{"a": 1}, {"a": 7}, {"a__v_text": "x"}]},
    ),
    arrow(
        "wide",
        pa.table({"a": pa.array([1, 2**63], pa.uint64())}),
        differs="arrow-uint64",
        ours={"wide": [{"a": 1}, {"a__v_decimal": Decimal(2**63)}]},
    ),
    arrow(
        "unsigned",
        pa.table({"a": pa.array([200], pa.uint8())}),
        differs="arrow-unsigned",
        ours={"unsigned": [{"a": 200}]},
    ),
    arrow(
        "duration",
        pa.table({"a": pa.array([timedelta(seconds=1.5)])}),
        differs="arrow-duration",
        ours={"duration": [{"a": 1.5}]},
    ),
]


def test_arrow_gives_the_tables_that_dlt_makes_of_it(tmp_path: Path) -> None:
    theirs, _ = by_dlt(CASES, tmp_path)
    mine, _ = by_ours(CASES, tmp_path)
    found = {c.name: unlike(family(theirs, c.name), family(mine, c.name)) for c in CASES}
    assert {name: differences for name, differences in found.items() if differences} == {}


@pytest.mark.parametrize("case", DIFFERENT, ids=lambda case: case.name)
def test_where_dlt_fails_or_loses_arrow_it_is_loaded(case: Case, tmp_path: Path) -> None:
    theirs, _ = by_dlt([case], tmp_path)
    mine, failed = by_ours([case], tmp_path)
    assert case.differs in DIFFERENCES
    assert failed == 0
    assert _in_order(plain_rows(mine)) == _in_order(case.ours or {})
    assert _in_order(plain_rows(theirs)) != _in_order(case.ours or {})


def _in_order(tables: Mapping[str, Any]) -> dict[str, Any]:
    return {name: sorted(rows, key=repr) for name, rows in tables.items()}


def test_lists_and_structs_are_json_of_the_same_content(tmp_path: Path) -> None:
    page = pa.table({"l": [[1, None], []], "s": [{"a": 1, "B b": 'q"\n'}, {"a": None, "B b": "x"}]})
    case = arrow("nested", page)
    found = []
    for load in (by_dlt, by_ours):
        table = load([case], tmp_path)[0]["nested"]
        found.append((table.stored["columns"], [_parsed(row) for row in table.rows]))
    assert found[0] == found[1]


def _parsed(row: dict[str, Any]) -> dict[str, Any]:
    return {name: orjson.loads(value) for name, value in row.items()}


def test_data_frames_are_loaded_as_dlt_loads_them(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    data = {"a": [1, None], "b": ["x", "y"], "d": [datetime(2024, 1, 1)] * 2}
    cases = [
        arrow("of_polars", polars.DataFrame(data)),
        arrow("of_pandas", pandas.DataFrame(data, index=["q", "w"])),
    ]
    theirs, _ = by_dlt(cases, tmp_path)
    mine, _ = by_ours(cases, tmp_path)
    for case in cases:
        assert unlike(family(theirs, case.name), family(mine, case.name)) == []


def test_ids_are_added_to_arrow_when_the_settings_ask_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text(
        "[normalize.parquet_normalizer]\nadd_dlt_load_id = true\nadd_dlt_id = true\n"
    )
    for key in ("ADD_DLT_LOAD_ID", "ADD_DLT_ID"):
        monkeypatch.setenv(f"NORMALIZE__PARQUET_NORMALIZER__{key}", "true")
    case = arrow("with_ids", ONE)
    theirs, _ = by_dlt([case], tmp_path)
    mine, _ = by_ours([case], tmp_path)
    assert unlike(theirs, mine) == []
    assert mine["with_ids"].rows[0]["_dlt_load_id"]
