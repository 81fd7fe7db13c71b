"""Contracts, cell by cell, as dlt holds them."""

from pathlib import Path
from typing import Any

import dlt as real_dlt
import pytest

from odp_dlt import dlt as own_dlt
from odp_dlt.errors import ContractError
from tests.compat.contract_cases import Case, Step, by_dlt, by_ours, first_then
from tests.compat.differences_contract import DIFFERENCES
from tests.compat.oracle import family, plain_rows, unlike

DISCARDS = ("discard_row", "discard_value")


START = {"id": 1, "k": [{"x": 1, "m": [{"z": 1}]}]}


def cells(mode: str) -> list[Case]:
    """Every cell of the table of contracts that leaves something out."""
    return [*cells_of_tables_and_columns(mode), *cells_of_values(mode)]


def cells_of_tables_and_columns(mode: str) -> list[Case]:
    columns, tables = {"columns": mode}, {"tables": mode}
    return [
        Case(f"root_{mode}", [Step([{"id": 1, "k": [{"x": 1}]}], tables)]),
        first_then(
            f"child_{mode}",
            {"id": 1},
            [{"id": 2, "k": [{"x": 1, "deep": [{"y": 2}]}]}, {"id": 3}],
            tables,
        ),
        first_then(
            f"column_{mode}",
            START,
            [
                {"id": 2, "b": 1, "k": [{"x": 2, "m": [{"z": 2}]}]},
                {"id": 3, "k": [{"x": 3, "m": [{"z": 3}]}]},
                {"id": 4, "at": {"deep": {"er": 1}}},
                {"id": 5, "k": [{"x": 5}]},
            ],
            columns,
        ),
        first_then(
            f"two_columns_{mode}",
            START,
            [{"id": 2, "b": 1, "c": 2}, {"id": 3, "c": 4}, {"id": 4}],
            columns,
        ),
        first_then(
            f"child_column_{mode}",
            START,
            [{"id": 2, "k": [{"x": 2, "y": 1, "m": [{"z": 2}]}, {"x": 3, "m": [{"z": 3}]}]}],
            columns,
        ),
        first_then(
            f"new_child_{mode}",
            {"id": 1},
            [{"id": 2, "k": [{"x": 2}]}, {"id": 3, "b": 3, "k": [{"x": 4}]}],
            columns,
        ),
    ]


def cells_of_values(mode: str) -> list[Case]:
    columns, variants = {"columns": mode}, {"data_type": mode}
    return [
        first_then(
            f"variant_{mode}",
            START,
            [{"id": "abc", "k": [{"x": 2}]}, {"id": "7"}, {"id": 8, "k": [{"x": "no"}, {"x": 9}]}],
            variants,
        ),
        Case(f"first_run_{mode}", [Step([{"a": 1}, {"a": "x", "b": 2}, {"b": 3}], mode_all(mode))]),
        first_then(f"all_{mode}", START, [{"id": 2, "b": 1}, {"id": "x"}, {"id": 3}], mode),
        Case(
            f"declared_{mode}",
            [Step([{"a": 1}]), Step([{"a": 2, "b": 1}, {"a": 3}], columns)],
            {"columns": {"a": {"data_type": "bigint"}}},
        ),
    ]


def mode_all(mode: str) -> dict[str, str]:
    return {"columns": mode, "data_type": mode}


CASES = [
    *(case for mode in DISCARDS for case in cells(mode)),
    first_then("evolve", {"id": 1}, [{"id": "x", "b": 1, "k": [1]}], "evolve"),
    first_then("said_in_part", {"id": 1}, [{"id": 2, "b": 1, "k": [1]}], {"tables": "discard_row"}),
    first_then(
        "null_is_no_violation", {"id": 1}, [{"id": 2, "b": None, "k": None, "l": []}], "freeze"
    ),
    Case(
        "known_variant",
        [Step([{"a": 1}, {"a": "x"}]), Step([{"a": "y"}, {"a": 2}], {"data_type": "freeze"})],
    ),
    first_then("spelled_otherwise", {"item id": 1}, [{"ItemId": 2}], "freeze"),
    Case(
        "first_run_is_free",
        [Step([{"a": 1}, {"b": {"c": 2}}, {"k": [{"x": 1}]}], {"columns": "freeze"})],
    ),
]

PRECEDENCE = [
    Case(
        "of_source", [Step([{"a": 1}]), Step([{"a": 2, "b": 1}], source={"columns": "discard_row"})]
    ),
    Case(
        "own_over_source",
        [
            Step([{"a": 1}]),
            Step([{"a": 2, "b": 1}], own={"tables": "evolve"}, source={"columns": "discard_value"}),
        ],
    ),
    Case(
        "run_over_own",
        [
            Step([{"a": 1}]),
            Step([{"a": 2, "b": 1}], own="evolve", run={"columns": "discard_value"}),
        ],
    ),
    Case(
        "run_stays_with_the_table",
        [
            Step([{"a": 1}]),
            Step([{"a": 2, "b": 1}], run={"columns": "discard_value"}),
            Step([{"a": 3, "b": 1}]),
        ],
    ),
    Case(
        "own_stays_with_the_table",
        [Step([{"a": 1}], own={"columns": "discard_row"}), Step([{"a": 2, "b": 1}, {"a": 3}])],
    ),
    Case(
        "source_does_not_stay",
        [Step([{"a": 1}], source={"columns": "discard_row"}), Step([{"a": 2, "b": 1}, {"a": 3}])],
    ),
    Case(
        "run_evolves_what_was_frozen",
        [Step([{"a": 1}], own="freeze", run="evolve"), Step([{"a": 2, "b": 1}])],
    ),
]

FROZEN = [
    Case("frozen_root", [Step([{"a": 1}], own={"tables": "freeze"})]),
    first_then("frozen_child", {"a": 1}, [{"a": 2, "k": [1]}], {"tables": "freeze"}),
    first_then("frozen_column", {"a": 1}, [{"a": 2}, {"a": 3, "b": 1}], {"columns": "freeze"}),
    first_then(
        "frozen_child_column",
        {"a": 1, "k": [{"x": 1}]},
        [{"a": 2, "k": [{"x": 1, "y": 2}]}],
        {"columns": "freeze"},
    ),
    first_then("frozen_type", {"a": 1}, [{"a": "x"}], {"data_type": "freeze"}),
    Case("frozen_type_at_first", [Step([{"a": 1}, {"a": "x"}], own={"data_type": "freeze"})]),
    Case("frozen_by_source", [Step([{"a": 1}]), Step([{"b": 1}], source="freeze")]),
    Case("frozen_by_run", [Step([{"a": 1}]), Step([{"b": 1}], own="evolve", run="freeze")]),
]


def test_what_contracts_leave_out_is_what_dlt_leaves_out(tmp_path: Path) -> None:
    theirs, _ = by_dlt(CASES, tmp_path)
    mine, _ = by_ours(CASES, tmp_path)
    found = {c.name: unlike(family(theirs, c.name), family(mine, c.name)) for c in CASES}
    assert {name: differences for name, differences in found.items() if differences} == {}


@pytest.mark.parametrize("case", PRECEDENCE, ids=lambda case: case.name)
def test_run_goes_over_resource_and_resource_over_source(case: Case, tmp_path: Path) -> None:
    theirs, _ = by_dlt([case], tmp_path)
    mine, _ = by_ours([case], tmp_path)
    assert unlike(family(theirs, case.name), family(mine, case.name)) == []


@pytest.mark.parametrize("case", FROZEN, ids=lambda case: case.name)
def test_what_is_frozen_in_dlt_fails_here_and_leaves_nothing(case: Case, tmp_path: Path) -> None:
    theirs, their_failures = by_dlt([case], tmp_path)
    mine, our_failures = by_ours([case], tmp_path)
    assert (our_failures, their_failures) == (1, 1)
    assert plain_rows(family(mine, case.name)) == plain_rows(family(theirs, case.name))


LINES = {"a": 1, "k": [{"x": 1}]}
MORE_LINES = [{"a": 2, "b": 1, "k": [{"x": 1, "y": 2}, {"x": 3, "deep": [{"z": 1}]}]}]


def nested_contract(contract: Any) -> dict[str, Any]:
    return {"nested_hints": {"k": {"schema_contract": contract}}}


@pytest.mark.parametrize("mode", ["discard_row", "discard_value", "freeze"])
@pytest.mark.parametrize("entity", ["columns", "tables"])
def test_a_contract_of_a_nested_table_counts_for_it_and_what_is_nested_in_it(
    mode: str, entity: str, tmp_path: Path
) -> None:
    steps = [Step([LINES]), Step(MORE_LINES, {"columns": "evolve"})]
    case = Case("nested", steps, nested_contract({entity: mode}))
    theirs, their_failures = by_dlt([case], tmp_path)
    mine, our_failures = by_ours([case], tmp_path)
    assert (our_failures > 0) == (their_failures > 0) == (mode == "freeze")
    if mode != "freeze":
        assert unlike(family(theirs, case.name), family(mine, case.name)) == []


def test_a_contract_of_a_nested_table_that_freezes_says_where_it_was_set(tmp_path: Path) -> None:
    def run(*rows: Any) -> None:
        made = own_dlt.resource(list(rows), name="t", **nested_contract({"columns": "freeze"}))
        pipeline(own_dlt, tmp_path).run(made)

    run(LINES)
    with pytest.raises(ContractError, match="'y' of table 't__k' would be new") as caught:
        run(*MORE_LINES)
    assert "set by nested_hints of resource 't'" in str(caught.value.hint)


def pipeline(dlt: Any, folder: Path) -> Any:
    name = "real" if dlt is real_dlt else "own"
    return dlt.pipeline(
        name,
        destination=dlt.destinations.duckdb(str(folder / f"{name}.duckdb")),
        dataset_name="data",
        pipelines_dir=str(folder / "home"),
    )


@pytest.mark.parametrize("dlt", [real_dlt, own_dlt], ids=["dlt", "ours"])
def test_a_runs_contract_for_rows_of_no_source_stays_for_tables_to_come(
    dlt: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "data"))
    run = pipeline(dlt, tmp_path).run
    run(dlt.resource([{"a": 1}], name="t"), schema_contract={"columns": "freeze"})
    run(dlt.resource([{"z": 1}], name="u"))
    with pytest.raises(Exception, match=r"[Ff]r(ee|o)ze"):
        run(dlt.resource([{"z": 1, "y": 2}], name="u"))
    stored = pipeline(dlt, tmp_path).default_schema
    assert stored.settings["schema_contract"] == {"columns": "freeze"}
    assert "u" in stored.tables


DIFFERENT = [
    Case(
        "nested_first",
        [Step([{"a": 1, "k": [{"x": 1}, {"y": 2}]}], own={"columns": "freeze"})],
        differs="nested-first-load",
        ours={"nested_first": [{"a": 1}], "nested_first__k": [{"x": 1}, {"y": 2}]},
    ),
    Case(
        "nesting",
        [Step([{"a": 1, "k": [{"x": [1]}]}], own={"columns": "discard_value"})],
        {"max_table_nesting": 1},
        differs="nesting-stays",
        ours={"nesting": [{"a": 1}], "nesting__k": [{"x": "[1]"}]},
    ),
    first_then(
        "null_later",
        {"a": 1},
        [{"a": 2, "b": 1}, {"a": 3, "b": None}],
        {"columns": "discard_row"},
        differs="null-after-violation",
        ours={"null_later": [{"a": 1}, {"a": 3}]},
    ),
]


@pytest.mark.parametrize("case", DIFFERENT, ids=lambda case: case.name)
def test_where_dlt_is_wrong_nothing_is_lost(case: Case, tmp_path: Path) -> None:
    theirs, _ = by_dlt([case], tmp_path)
    mine, failed = by_ours([case], tmp_path)
    assert case.differs in DIFFERENCES
    assert failed == 0
    assert plain_rows(mine) == case.ours
    assert plain_rows(theirs) != case.ours
