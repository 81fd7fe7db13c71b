"""The checks that judge what a load told, and what their params can be."""

from typing import Any

import pytest
from pydantic import ValidationError

from odp_dlt.checks.base import Subject, Verdict, checks

LOADED = {"load_id": "1", "rows_extracted": 9, "rows_loaded": 7, "rows_rejected": 2}


def judged(kind: str, facts: dict[str, Any], **params: Any) -> Verdict:
    check = checks.find(kind).model_validate(params)
    assert not check.reads_table
    return check.judge(Subject("shop/orders", facts))


def test_reconciliation_wants_every_row_to_be_somewhere() -> None:
    assert judged("reconciliation", LOADED).passed
    found = judged("reconciliation", {**LOADED, "rows_loaded": 5})
    assert not found.passed
    assert found.numbers["rows_missing"] == 2
    assert found.description == "9 extracted, 5 loaded, 2 rejected"


@pytest.mark.parametrize(
    ("facts", "params", "passed"),
    [
        ({"rows_rejected": 0, "values_rejected": 0}, {}, True),
        ({"rows_rejected": 1, "values_rejected": 0}, {}, False),
        ({"rows_rejected": 0, "values_rejected": 1}, {}, False),
        ({"rows_rejected": 3, "values_rejected": 4}, {"max_rows": 3, "max_values": 4}, True),
        ({"rows_rejected": 0, "values_rejected": 0, "rows_of_tables_rejected": 1}, {}, False),
    ],
)
def test_a_contract_may_leave_out_no_more_than_is_allowed(
    facts: dict[str, Any], params: dict[str, int], passed: bool
) -> None:
    assert judged("contract", facts, **params).passed == passed


def test_the_schema_check_names_what_the_file_lacks_and_the_command_that_accepts_it() -> None:
    assert judged("schema", LOADED).passed
    found = judged("schema", {**LOADED, "new_tables": "orders__tags", "new_columns": "orders.vat"})
    assert not found.passed
    assert found.description == (
        "the schema file lacks table orders__tags and column orders.vat. "
        "Accept it: odp schema export shop/orders"
    )


@pytest.mark.parametrize("kind", ["reconciliation", "contract", "schema"])
def test_without_a_load_nothing_is_known_and_nothing_passes(kind: str) -> None:
    assert not judged(kind, {}).passed


def test_row_bounds_of_a_load_are_judged_by_what_it_told() -> None:
    assert judged("row_bounds", LOADED, min_loaded=7).passed
    found = judged("row_bounds", LOADED, min_loaded=8, max_loaded=9)
    assert found.description == "7 rows loaded, not 8 to 9 rows loaded"
    assert not judged("row_bounds", {}, min_loaded=0).passed


@pytest.mark.parametrize(
    ("kind", "params", "said"),
    [
        ("row_bounds", {}, "give at least one of min_loaded, max_loaded, min_total, max_total"),
        ("row_bounds", {"min_total": 2, "max_total": 1}, "min_total is more than max_total"),
        ("not_null", {"columns": []}, "at least 1 item"),
        ("expression", {}, "give either `condition` or `query`"),
        ("expression", {"query": "SELECT 1"}, "`query` must name the table as {table}"),
        ("orphans", {"parent": "x"}, "or none of them"),
        ("freshness", {"column": "at", "max_age": "soon"}, "span of time such as 90s"),
    ],
)
def test_params_that_make_no_sense_are_refused(
    kind: str, params: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError) as e:
        checks.find(kind).model_validate(params)
    assert said in str(e.value)
