"""The columns that scd2 adds, at the place where dlt adds them."""

from typing import Any

import pytest

from tests.compat.oracle import Both, Case, by_both, case, hold

ROW = {"id": 1, "v": "x", "h": "k"}


def text(*names: str) -> dict[str, Any]:
    """A dict for each, since dlt writes the name into it."""
    return {name: {"data_type": "text"} for name in names}


def scd2(**options: Any) -> dict[str, Any]:
    return {"disposition": "merge", "strategy": "scd2", **options}


def of(name: str, disposition: Any, *, differs: str | None = None, **hints: Any) -> Case:
    return case(name, ROW, hints={"write_disposition": disposition, **hints}, differs=differs)


CASES = [
    of("alone", scd2()),
    of("declared", scd2(), primary_key="id", columns=text("v", "w")),
    of("typed_key", scd2(), merge_key="id", columns={**text("v"), "id": {"data_type": "bigint"}}),
    of("versions", scd2(row_version_column_name="h"), merge_key="id", columns=text("z")),
    of("named", scd2(validity_column_names=["f", "t"], active_record_timestamp="9999-12-31")),
    of("both_keys", scd2(), merge_key="id", primary_key="h", columns=text("z")),
    of(
        "version_declared",
        scd2(row_version_column_name="h"),
        columns=text("h", "z"),
        differs="columns that scd2 uses",
    ),
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    return by_both(CASES, tmp_path_factory.mktemp("scd2"), rows=False)


@pytest.mark.parametrize("each", CASES, ids=lambda each: each.name)
def test_columns_of_scd2_stand_where_dlt_puts_them(each: Case, both: Both) -> None:
    hold(each, both)


def test_validity_columns_stand_first_where_no_other_column_has_a_type(both: Both) -> None:
    _, mine = both
    assert [name for name, *_ in mine["alone"].columns][:2] == ["_dlt_valid_from", "_dlt_valid_to"]
