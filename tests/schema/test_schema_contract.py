"""What a contract leaves of a page, and what it says when it refuses one."""

from typing import Any

import pyarrow as pa
import pytest

from odp_dlt.errors import ConfigError, ContractError
from odp_dlt.schema.contract import MODEL_CONTRACT, Contracts, Verdict, modes_of
from odp_dlt.schema.internal import new_schema
from odp_dlt.schema.model import Column, Schema, Table

ORDERS = Table(
    "orders",
    {"id": Column("id", "bigint"), "_dlt_id": Column("_dlt_id", "text")},
    resource="orders",
    write_disposition="append",
    seen_data=True,
)
LINES = Table(
    "orders__lines",
    {"sku": Column("sku", "text"), "_dlt_id": Column("_dlt_id", "text")},
    parent="orders",
    seen_data=True,
)
KNOWN = new_schema("shop").with_tables([ORDERS, LINES])


def page(orders: dict[str, Any], lines: dict[str, Any] | None = None) -> dict[str, pa.Table]:
    count = len(orders["id"])
    tables = {"orders": pa.table({**orders, "_dlt_id": [f"o{i}" for i in range(count)]})}
    if lines:
        ids = [f"l{i}" for i in range(len(lines["sku"]))]
        tables["orders__lines"] = pa.table({**lines, "_dlt_id": ids})
    return tables


def judged(
    modes: Any,
    tables: dict[str, pa.Table],
    *changed: Table,
    stored: Schema | None = KNOWN,
    rows_before: int = 0,
) -> Verdict:
    contracts = Contracts.of(stored, modes, "source 'shop'", by_run=False)
    return contracts.judge(
        [ORDERS], stored or new_schema("shop"), tables, changed, {"orders": rows_before}
    )


def with_column(table: Table, name: str, **hints: Any) -> Table:
    return table.with_columns([Column(name, "text", nullable=True, hints=hints)])


NEW = with_column(ORDERS, "note")
LINKED = {"_dlt_parent_id": ["o0", "o0", "o1"], "_dlt_list_idx": [0, 1, 0]}


def test_short_form_and_missing_entities() -> None:
    assert set(modes_of("freeze").values()) == {"freeze"}
    assert modes_of({"columns": "freeze"}) == {
        "tables": "evolve",
        "columns": "freeze",
        "data_type": "evolve",
    }


@pytest.mark.parametrize("wrong", ["frozen", {"columns": "never"}, {"column": "freeze"}, 7])
def test_what_is_no_contract_is_refused_with_its_place(wrong: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        modes_of(wrong, "resource 'orders'")
    assert caught.value.at == "resource 'orders'"


def test_an_open_contract_changes_nothing() -> None:
    tables = page({"id": [1], "note": ["a"]})
    verdict = judged(None, tables, NEW)
    assert verdict.tables is tables
    assert verdict.changed == (NEW,)


def test_discarded_rows_take_their_nested_rows_along() -> None:
    tables = page({"id": [1, 2], "note": ["a", None]}, {"sku": ["x", "y", "z"], **LINKED})
    verdict = judged({"columns": "discard_row"}, tables, NEW)
    assert verdict.tables["orders"].column("id").to_pylist() == [2]
    assert verdict.tables["orders__lines"].column("sku").to_pylist() == ["z"]
    assert verdict.changed == (ORDERS,)
    assert verdict.discarded == {"orders": 1, "orders__lines": 2}


def test_discarded_values_are_counted_by_column() -> None:
    tables = page({"id": [1, 2, 3], "note": ["a", None, "c"]})
    verdict = judged({"columns": "discard_value"}, tables, NEW)
    assert verdict.tables["orders"].column_names == ["id", "_dlt_id"]
    assert verdict.discarded == {"orders.note": 2}


def test_a_column_that_only_discarded_rows_had_is_not_added() -> None:
    both = with_column(NEW, "id__v_text", variant=True)
    tables = page({"id": [None, 2], "note": ["a", None], "id__v_text": ["x", None]})
    verdict = judged({"data_type": "discard_row"}, tables, both)
    assert verdict.changed == (ORDERS,)
    assert verdict.tables["orders"].column("id").to_pylist() == [2]


def test_a_null_never_breaks_a_contract() -> None:
    tables = page({"id": [1], "note": pa.nulls(1, pa.string())})
    verdict = judged("freeze", tables, NEW)
    assert verdict.changed == (ORDERS,)
    assert verdict.discarded == {}


def test_a_frozen_column_names_place_value_rule_and_origin() -> None:
    lines = {"sku": ["x", "y", "z"], "qty": [None, "a" * 99, None], **LINKED}
    tables = page({"id": [1, 2]}, lines)
    with pytest.raises(ContractError) as caught:
        judged({"columns": "freeze"}, tables, with_column(LINES, "qty"), rows_before=10)
    assert caught.value.at == "orders, row 11, lines[1].qty"
    assert "column 'qty' of table 'orders__lines'" in caught.value.message
    assert "'aaaa" in caught.value.message
    assert len(caught.value.message) < 200
    assert "columns: freeze was set by source 'shop'" in str(caught.value)


def test_a_frozen_type_names_the_column_and_its_type() -> None:
    changed = with_column(ORDERS, "id__v_text", variant=True)
    with pytest.raises(ContractError, match="as column 'id' is bigint; the value is 'x'"):
        judged({"data_type": "freeze"}, page({"id": [None], "id__v_text": ["x"]}), changed)


def test_new_tables_are_refused_or_left_out_with_what_is_nested_in_them() -> None:
    inner = Table("orders__lines__tags", {"value": Column("value", "text")}, "orders__lines")
    stored = new_schema("shop").with_tables([ORDERS])
    tables = page({"id": [1]}, {"sku": ["x"], "_dlt_parent_id": ["o0"], "_dlt_list_idx": [0]})
    tables["orders__lines__tags"] = pa.table(
        {"value": ["v"], "_dlt_parent_id": ["l0"], "_dlt_list_idx": [0], "_dlt_id": ["t0"]}
    )
    verdict = judged({"tables": "discard_row"}, tables, LINES, inner, stored=stored)
    assert list(verdict.tables) == ["orders"]
    assert verdict.changed == ()
    assert verdict.discarded == {"orders__lines": 1, "orders__lines__tags": 1}
    with pytest.raises(ContractError, match="table 'orders__lines' would be new"):
        judged({"tables": "freeze"}, tables, LINES, inner, stored=stored)


def test_a_table_without_data_takes_any_column_for_a_whole_run() -> None:
    contracts = Contracts.of(new_schema("shop"), {"columns": "freeze"}, "source", by_run=False)
    schema = new_schema("shop").with_tables([ORDERS])  # as it is after the first page
    verdict = contracts.judge([ORDERS], schema, page({"id": [1], "note": ["a"]}), [NEW])
    assert verdict.changed == (NEW,)


def test_the_table_goes_over_the_source_and_keeps_its_contract_in_the_schema() -> None:
    own = Table("orders", resource="orders", hints={"schema_contract": {"tables": "freeze"}})
    stored = KNOWN.with_tables([Table("orders", hints={"schema_contract": "freeze"})])
    contracts = Contracts.of(stored, "discard_row", "source 'shop'", by_run=False)
    assert contracts.contract(own).modes["columns"] == "evolve"
    assert contracts.contract(own).origin == "resource 'orders'"
    assert contracts.contract(ORDERS).modes["columns"] == "freeze"
    assert "earlier run" in contracts.contract(ORDERS).origin
    assert contracts.contract(Table("other")).origin == "source 'shop'"


def test_a_declared_column_that_a_frozen_table_lacks_is_refused_before_any_row() -> None:
    declared = Table("orders", {"note": Column("note", "text")}, resource="orders")
    frozen = Contracts.of(KNOWN, "freeze", "source 'shop'", by_run=False)
    with pytest.raises(ContractError, match="column 'note' is declared"):
        frozen.admitted([declared])
    discarding = Contracts.of(KNOWN, "discard_value", "source 'shop'", by_run=False)
    assert list(discarding.admitted([declared])[0].columns) == []


def test_a_model_may_gain_a_field_under_the_contract_that_comes_with_it() -> None:
    hints = {"schema_contract": dict(MODEL_CONTRACT)}
    columns = {"id": Column("id", "bigint"), "note": Column("note", "text")}
    root = Table("orders", columns, resource="orders", hints=hints)
    contracts = Contracts.of(KNOWN, None, "source 'shop'", by_run=False)
    assert contracts.admitted([root])[0] is root
    schema = KNOWN.with_tables([NEW])
    verdict = contracts.judge([root], schema, page({"id": [1], "note": ["a"]}), [])
    assert verdict.tables["orders"].column("note").to_pylist() == ["a"]
