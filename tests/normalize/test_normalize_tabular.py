"""Arrow tables of the source, as flat tables."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from odp_dlt.errors import SourceError
from odp_dlt.normalize.tabular import SystemColumns, flat_table
from odp_dlt.schema.model import ID, LOAD_ID, Column, Table
from odp_dlt.schema.naming import naming_convention

NAMING = naming_convention("snake_case")


def flat(
    page: pa.Table, *known: Column, system: SystemColumns | None = None
) -> tuple[pa.Table, Table]:
    root = Table("t", {column.name: column for column in known}, resource="t")
    tables, changes = flat_table(page, root, "load-1", NAMING, system or SystemColumns())
    return tables["t"], next(iter(changes.tables), root)


def types(table: Table) -> dict[str, Any]:
    return {name: (c.data_type, c.precision, c.scale) for name, c in table.columns.items()}


def test_types_are_kept_and_names_normalized() -> None:
    page = pa.table(
        {
            "Small Int": pa.array([1], pa.int8()),
            "amount": pa.array([Decimal("1.25")], pa.decimal128(10, 2)),
            "at": pa.array([datetime(2024, 1, 2)], pa.timestamp("s")),
            "word": pa.array(["x"]).dictionary_encode(),
            "raw": pa.array([b"ab"], pa.binary(2)),
        }
    )
    rows, table = flat(page)
    assert types(table) == {
        "small_int": ("bigint", 8, None),
        "amount": ("decimal", 10, 2),
        "at": ("timestamp", 0, None),
        "word": ("text", None, None),
        "raw": ("binary", 2, None),
    }
    assert rows.to_pylist()[0]["at"] == datetime(2024, 1, 2, tzinfo=UTC)
    assert rows.column("word").to_pylist() == ["x"]
    assert table.seen_data


def test_a_table_of_arrow_alone_gets_no_ids_unless_they_are_asked_for() -> None:
    page = pa.table({"a": [1, 2]})
    assert flat(page)[0].column_names == ["a"]
    rows, table = flat(page, system=SystemColumns(load_id=True, row_id=True))
    assert rows.column(LOAD_ID).to_pylist() == ["load-1", "load-1"]
    assert len(set(rows.column(ID).to_pylist())) == 2
    assert table.columns[ID].hints == {"unique": True, "row_key": True}


def test_a_table_that_has_ids_gets_them_for_arrow_too() -> None:
    known = Column(LOAD_ID, "text", nullable=False), Column(ID, "text", nullable=False)
    rows, _ = flat(pa.table({"a": [1], LOAD_ID: ["other"]}), *known)
    assert rows.column(LOAD_ID).to_pylist() == ["load-1"]
    assert rows.column(ID).null_count == 0
    kept, _ = flat(pa.table({"a": [1], ID: ["mine"]}), *known)
    assert kept.column(ID).to_pylist() == ["mine"]


def test_nested_values_become_json_text() -> None:
    page = pa.table(
        {
            "l": [[1, None, 2], None],
            "s": [{"Key one": 'q"uote', "n": {"f": 1.0}}, None],
            "m": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
        }
    )
    rows, table = flat(page)
    assert {column.data_type for column in table.columns.values()} == {"json"}
    assert rows.to_pylist() == [
        {"l": "[1,null,2]", "s": '{"Key one":"q\\"uote","n":{"f":1.0}}', "m": '{"k":1}'},
        {"l": None, "s": None, "m": None},
    ]


def test_unsigned_integers_beyond_bigint_do_not_wrap() -> None:
    rows, table = flat(pa.table({"a": pa.array([1, 2**64 - 1, None], pa.uint64())}))
    assert types(table)["a"] == ("bigint", None, None)
    assert rows.column("a").to_pylist() == [1, None, None]
    assert rows.column("a__v_decimal").to_pylist()[1] == 2**64 - 1


def test_narrow_unsigned_integers_get_room_for_all_their_values() -> None:
    rows, table = flat(pa.table({"a": pa.array([255], pa.uint8())}))
    assert types(table)["a"] == ("bigint", 16, None)
    assert rows.column("a").to_pylist() == [255]


def test_values_of_another_type_than_the_column_are_coerced_or_go_to_a_variant() -> None:
    rows, table = flat(pa.table({"a": ["7", "x"]}), Column("a", "bigint"))
    assert rows.to_pylist() == [{"a": 7, "a__v_text": None}, {"a": None, "a__v_text": "x"}]
    assert table.columns["a__v_text"].has("variant")
    widened, _ = flat(pa.table({"a": pa.array([1], pa.int16())}), Column("a", "double"))
    assert widened.column("a").to_pylist() == [1.0]


def test_a_declared_column_without_a_type_keeps_its_hints() -> None:
    declared = Column("a", nullable=False, hints={"primary_key": True})
    _, table = flat(pa.table({"a": [1]}), declared)
    assert table.columns["a"] == Column("a", "bigint", False, hints={"primary_key": True})


def test_columns_without_a_type_are_left_out_and_those_without_a_value_are_not() -> None:
    rows, table = flat(pa.table({"n": pa.nulls(1), "t": pa.nulls(1, pa.string()), "a": [1]}))
    assert types(table) == {"t": ("text", None, None), "a": ("bigint", None, None)}
    assert rows.to_pylist() == [{"t": None, "a": 1}]


def test_durations_are_seconds() -> None:
    rows, table = flat(pa.table({"d": pa.array([timedelta(minutes=1.5)])}))
    assert types(table)["d"] == ("double", None, None)
    assert rows.column("d").to_pylist() == [90.0]


def test_nanoseconds_are_never_cut_off_in_silence() -> None:
    whole = pa.table({"a": pa.array([1_700_000_000_000_000_000], pa.timestamp("ns"))})
    assert types(flat(whole)[1])["a"] == ("timestamp", None, None)
    odd = pa.table({"a": pa.array([1_700_000_000_000_000_001], pa.timestamp("ns"))})
    with pytest.raises(SourceError, match="nanoseconds would be lost"):
        flat(odd)
    precise = Column("a", "timestamp", precision=9, timezone=False)
    assert flat(odd, precise)[0].column("a").type == pa.timestamp("ns")


def test_two_columns_that_become_one_name_are_both_kept() -> None:
    page = pa.table({"A B": [1], "a_b": [2]})
    rows, table = flat(page)
    other = next(name for name in table.columns if name != "a_b")
    assert rows.to_pylist() == [{other: 1, "a_b": 2}]
    alone, unchanged = flat(pa.table({"A B": [3]}), *table.columns.values())
    assert alone.to_pylist() == [{other: 3}]
    assert list(unchanged.columns) == list(table.columns)


def test_what_has_no_column_type_is_refused_by_name() -> None:
    page = pa.table({"a": pa.array([None], pa.month_day_nano_interval())})
    with pytest.raises(SourceError, match="month_day_nano_interval"):
        flat(page)
    with pytest.raises(SourceError, match="two columns 'a'"):
        flat(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]))
