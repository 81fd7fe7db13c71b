"""Nested tables with a key of their own are tables of their own, as in dlt."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.compat import contract_cases
from tests.compat.contract_cases import Step
from tests.compat.differences import DIFFERENCES
from tests.compat.oracle import Both, Case, Dataset, by_both, family, hold, plain_rows, unlike

FIRST = [
    {
        "id": 1,
        "lines": [
            {"sku": "a", "q": 1, "parts": [{"x": 1}]},
            {"sku": "b", "q": 2, "parts": [{"x": 2}, {"x": 3}]},
        ],
        "tags": ["u"],
    }
]
SECOND = [
    {"id": 1, "lines": [{"sku": "a", "q": 10, "parts": [{"x": 9}]}], "tags": ["v"]},
    {"id": 2, "lines": [{"sku": "c", "q": 3, "parts": []}]},
]
MERGED = {"primary_key": "id", "write_disposition": "merge"}


def of(name: str, nested: Any, *, rows: Sequence[Any] = (FIRST, SECOND), **hints: Any) -> Case:
    """`nested` is path → hints; paths are keys, or tuples of them."""
    import dlt

    made = {path: dlt.mark.make_nested_hints(**said) for path, said in nested.items()}
    for said in made.values():
        said.pop("original_columns", None)  # dlt's own note of what it was given
    differs = hints.pop("differs", None)
    return Case(
        name, [[list(page)] for page in rows], {"nested_hints": made, **hints}, differs=differs
    )


def keyed(key: str = "sku", disposition: Any = None) -> dict[str, Any]:
    said = {"primary_key": key}
    return said if disposition is None else {**said, "write_disposition": disposition}


UPSERT = {"disposition": "merge", "strategy": "upsert"}
CASES = [
    of("added", {"lines": keyed()}),
    of("merged", {"lines": keyed("sku", "merge")}),
    of("both_merged", {"lines": keyed("sku", "merge")}, **MERGED),
    of("by_merge_key", {"lines": {"merge_key": "sku", "write_disposition": "merge"}}),
    of("key_in_columns", {"lines": {"columns": {"sku": {"name": "sku", "primary_key": True}}}}),
    of("replaced", {"lines": keyed("sku", "replace")}),
    of("of_replaced", {"lines": keyed()}, write_disposition="replace"),
    of("upserted", {"lines": keyed("sku", UPSERT)}),
    of("of_upserted", {"lines": keyed("sku", "merge")}, primary_key="id", write_disposition=UPSERT),
    of("deep", {("lines", "parts"): keyed("x", "merge")}, **MERGED),
    of("deep_added", {("lines", "parts"): keyed("x")}),
    of("nested_in_own", {"lines": keyed("sku", "merge"), ("lines", "parts"): keyed("x", "merge")}),
    of("limited", {"lines": keyed()}, max_table_nesting=2),
    of("scalars", {"tags": keyed("value", "merge")}, differs="load ids of scalars broken out"),
    of("without_key", {"lines": {"columns": {"q": {"name": "q", "sort": True}}}}),
    of("added_to_merged", {"lines": keyed()}, **MERGED),
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    return by_both(CASES, tmp_path_factory.mktemp("broken_out"))


@pytest.mark.parametrize("each", CASES, ids=lambda each: each.name)
def test_a_nested_table_with_a_key_is_the_table_that_dlt_makes(each: Case, both: Both) -> None:
    hold(each, both)


def root_of(dataset: Dataset, name: str) -> list[str]:
    """The tables whose row the root id of each row of `parts` is, in the order of `x`."""
    ids = {
        row["_dlt_id"]: table
        for table, found in family(dataset, name).items()
        for row in found.rows
    }
    parts = dataset[f"{name}__lines__parts"].rows
    return [ids.get(row["_dlt_root_id"], "gone") for row in sorted(parts, key=lambda r: r["x"])]


def test_root_ids_are_those_of_the_table_that_rows_are_merged_with(both: Both) -> None:
    for dataset in both:
        assert set(root_of(dataset, "merged")) == {"merged__lines"}
        assert set(root_of(dataset, "both_merged")) == {"both_merged__lines"}
        assert set(root_of(dataset, "deep")) <= {"deep", "gone"}


def test_root_ids_of_the_first_rows_are_no_others(both: Both) -> None:
    assert "root ids of tables broken out" in DIFFERENCES
    theirs, mine = (root_of(dataset, "added_to_merged") for dataset in both)
    assert theirs == ["gone", *["added_to_merged__lines"] * 3]
    assert mine == ["added_to_merged__lines"] * 4


def test_rows_broken_out_of_discarded_ones_go_with_them_as_in_dlt(tmp_path: Path) -> None:
    steps = [
        Step(FIRST, {"columns": "discard_row"}),
        Step([{"id": 2, "new": 1, "lines": [{"sku": "c", "parts": [{"x": 4}]}]}, {"id": 3}]),
    ]
    case = contract_cases.Case("orders", steps, of("orders", {"lines": keyed()}).hints)
    theirs, _ = contract_cases.by_dlt([case], tmp_path)
    mine, _ = contract_cases.by_ours([case], tmp_path)
    assert plain_rows(mine) == plain_rows(theirs)
    assert len(mine["orders__lines"].rows) == 2


@pytest.mark.parametrize("own", [True, False], ids=["its own contract", "no contract"])
def test_a_table_broken_out_has_its_own_contract_or_none(own: bool, tmp_path: Path) -> None:
    said = {**keyed(), "schema_contract": {"columns": "discard_value"}} if own else keyed()
    steps = [
        Step(FIRST, {"columns": "freeze"}),
        Step([{"id": 2, "lines": [{"sku": "c", "new": 1}]}], {"columns": "freeze"}),
    ]
    case = contract_cases.Case("orders", steps, of("orders", {"lines": said}).hints)
    theirs, _ = contract_cases.by_dlt([case], tmp_path)
    mine, failed = contract_cases.by_ours([case], tmp_path)
    assert failed == 0
    assert unlike(theirs, mine) == []
    assert ("new" in mine["orders__lines"].rows[0]) is not own
