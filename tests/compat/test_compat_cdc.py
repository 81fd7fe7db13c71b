"""Merge by cdc, and the scope and filter of merges, side by side with dlt."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dlt as real_dlt
import duckdb
import pytest

from odp_dlt import dlt as own_dlt
from tests.compat.oracle import Both, Case, by_both, hold

FIRST = [
    {"id": 1, "shop": "a", "v": 1, "gone": False, "tags": [{"n": 1, "deep": [1, 2]}, {"n": 2}]},
    {"id": 2, "shop": "a", "v": 1, "gone": False, "tags": [{"n": 3, "deep": [3]}]},
    {"id": 3, "shop": "b", "v": 1, "gone": False, "tags": [{"n": 4, "deep": [4]}]},
    {"id": 4, "shop": "b", "v": 1, "gone": False, "tags": []},
]
SECOND = [
    {"id": 1, "shop": "a", "v": 2, "gone": False, "tags": [{"n": 9, "deep": [9]}]},
    {"id": 4, "shop": "b", "v": 2, "gone": True, "tags": [{"n": 5}]},
    {"id": 5, "shop": "a", "v": 2, "gone": False, "tags": [{"n": 6, "deep": [6, 7]}]},
]
GONE = {"columns": {"gone": {"hard_delete": True}}}


def merged(name: str, strategy: str, more: Mapping[str, Any] | None = None, **hints: Any) -> Case:
    said = {"disposition": "merge", "strategy": strategy, **(more or {})}
    given = {"primary_key": "id", "write_disposition": said, **hints}
    return Case(name, [[FIRST], [SECOND]], given)


OF_A = {"destination_scope": "{table}.shop = 'a'"}
OF_STAGED = {"destination_scope": "shop IN (SELECT shop FROM {staging_table})"}
ONE = {"source_filter": "id = 1"}
SAME = {"skip_unchanged_rows": True, "row_version_column_name": "v"}
CASES = [
    merged("whole", "cdc"),
    merged("scoped", "cdc", OF_A),
    merged("scoped_by_rows", "cdc", OF_STAGED),
    merged("keyed", "cdc", merge_key="shop"),
    merged("keyed_and_scoped", "cdc", OF_A, merge_key="shop"),
    merged("filtered", "cdc", ONE),
    merged("filtered_and_scoped", "cdc", {**OF_A, **ONE}),
    merged("deleted", "cdc", **GONE),
    merged("deleted_in_scope", "cdc", OF_A, **GONE),
    merged("compound", "cdc", primary_key=["id", "shop"]),
    merged("skipping", "cdc", SAME),
    merged("upsert_skipping", "upsert", SAME),
    merged("upsert_filtered", "upsert", ONE),
    merged("replaced_in_scope", "delete-insert", OF_A),
    merged("replaced_without_key", "delete-insert", OF_A, primary_key=None),
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    return by_both(CASES, tmp_path_factory.mktemp("cdc"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_merge_leaves_what_dlt_leaves(both: Both, case: Case) -> None:
    hold(case, both)


@pytest.mark.parametrize("order", ["dlt, ours, dlt", "ours, dlt, ours"])
def test_cdc_goes_on_with_what_the_other_engine_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "home"))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    third = [{"id": 5, "shop": "a", "v": 3, "gone": False, "tags": [{"n": 6, "deep": [7, 8]}]}]
    (how,) = (case.hints for case in CASES if case.name == "whole")
    found = []
    for engines in (order, "dlt, dlt, dlt"):
        database = tmp_path / f"{engines}.duckdb"
        for turn, (engine, rows) in enumerate(
            zip(engines.split(", "), (FIRST, SECOND, third), strict=True)
        ):
            module: Any = real_dlt if engine == "dlt" else own_dlt
            pipeline = module.pipeline(
                "shop",
                destination=module.destinations.duckdb(str(database)),
                dataset_name="data",
                pipelines_dir=str(tmp_path / f"{engines}{turn}"),
            )
            pipeline.run(module.resource(rows, name="orders", **how))
        found.append(content(database))
    assert found[0] == found[1]


def content(database: Path) -> list[Any]:
    """All rows, with the ids of those that depend on the key alone."""
    with duckdb.connect(str(database), read_only=True) as con:
        orders = con.sql("SELECT id, v, _dlt_id FROM data.orders ORDER BY id").fetchall()
        tags = con.sql("SELECT n, _dlt_id, _dlt_root_id FROM data.orders__tags ORDER BY n")
        deep = con.sql(
            "SELECT value, _dlt_id, _dlt_root_id FROM data.orders__tags__deep ORDER BY 1"
        )
        return [orders, tags.fetchall(), deep.fetchall()]
