"""Random sequences of loads against the same done to a list of rows."""

import copy
import json
import secrets
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.destinations.places import Place

Row = dict[str, Any]

SETTINGS = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
STRATEGIES = ("delete-insert", "upsert", "cdc", "insert-only")
GONE = {"gone": {"hard_delete": True, "data_type": "bool"}}

small = st.integers(0, 3)
lines = st.lists(
    st.fixed_dictionaries(
        {"n": small, "opts": st.lists(st.fixed_dictionaries({"k": small}), max_size=2)}
    ),
    max_size=2,
)
rows = st.fixed_dictionaries(
    {"id": small, "day": st.integers(0, 1), "gone": st.booleans(), "lines": lines}
)
loads = st.tuples(
    st.sampled_from(("append", "replace", *STRATEGIES)), st.booleans(), st.lists(rows, max_size=5)
)


@dataclass
class Model:
    """The rows that a table should hold, and whether a merge key was said: it stays, as in dlt."""

    rows: list[Row] = field(default_factory=list)
    by_day: bool = False

    def load(self, how: str, by_day: bool, batch: list[Row]) -> None:
        if how in ("append", "replace"):
            self.rows = [*(self.rows if how == "append" else []), *batch]
            return
        self.by_day = self.by_day or by_day
        if how == "insert-only":
            there = {row["id"] for row in self.rows}
            alive = [row for row in reversed(batch) if not row["gone"] and row["id"] not in there]
            self.rows = [*self.rows, *{row["id"]: row for row in alive}.values()]
            return
        keys = {row["id"] for row in batch}
        days = {row["day"] for row in batch} if how != "upsert" and self.by_day else set()
        left = [row for row in self.rows if row["id"] not in keys and row["day"] not in days]
        if how == "cdc" and not self.by_day:
            left = []
        last = {row["id"]: row for row in batch}.values()
        self.rows = left + [row for row in last if not row["gone"]]


def examples(place: Place, number: int) -> int:
    """How many: SQLite opens its file in no time, and shares the SQL with the others."""
    return number * 5 if place.destination.name == "sqlite" else number


def fresh(place: Place) -> Place:
    return replace(place, dataset=f"data_{secrets.token_hex(6)}")


def held(place: Place, *columns: str, root_key: bool = False) -> list[str]:
    """Every root row with its nested rows; fails for nested rows that have no parent, or a wrong
    root.
    """
    roots = place.read("orders")
    by_parent: dict[str, list[Row]] = {}
    known = {row["_dlt_id"]: row["_dlt_id"] for row in roots}
    for table in ("orders__lines", "orders__lines__opts"):
        level = place.read(table)
        for row in level:
            root = known[row["_dlt_parent_id"]]
            assert not root_key or row.get("_dlt_root_id") in (root, None)
            by_parent.setdefault(row["_dlt_parent_id"], []).append(row)
        known = {**known, **{row["_dlt_id"]: known[row["_dlt_parent_id"]] for row in level}}

    def children(row: Row) -> list[Row]:
        return sorted(by_parent.get(row["_dlt_id"], []), key=lambda child: child["_dlt_list_idx"])

    def tree(row: Row) -> Row:
        nested = [
            {"n": line["n"], "opts": [{"k": opt["k"]} for opt in children(line)]}
            for line in children(row)
        ]
        return {**{c: row[c] for c in columns}, "lines": nested}

    return sorted(text(tree(row)) for row in roots)


def wanted(rows: list[Row], *columns: str) -> list[str]:
    return sorted(text({**{c: row[c] for c in columns}, "lines": row["lines"]}) for row in rows)


def text(row: Row) -> str:
    return json.dumps({k: bool(v) if k == "gone" else v for k, v in row.items()}, sort_keys=True)


def test_any_sequence_of_loads_ends_as_in_a_list(database: Place) -> None:
    @settings(SETTINGS, max_examples=examples(database, 5))
    @given(st.lists(loads, min_size=2, max_size=5))
    def run(steps: list[Any]) -> None:
        place, model = fresh(database), Model()
        for how, by_day, batch in steps:
            given = copy.deepcopy(batch)
            if how in STRATEGIES:
                key = {"merge_key": "day"} if by_day else {}
                place.merge(given, how, primary_key="id", columns=GONE, allow_empty=True, **key)
            else:
                place.load(given, write_disposition=how, allow_empty=True)
            model.load(how, by_day, batch)
            assert held(place, "id", "day", root_key=how in STRATEGIES) == wanted(
                model.rows, "id", "day"
            )

    run()


@pytest.mark.parametrize("by_day", [False, True])
def test_any_sequence_of_snapshots_ends_with_one_active_version_of_each_row(
    database: Place, by_day: bool
) -> None:
    @settings(SETTINGS, max_examples=examples(database, 2))
    @given(st.lists(st.lists(rows, max_size=4), min_size=2, max_size=4))
    def run(snapshots: list[list[Row]]) -> None:
        place = fresh(database)
        versions: list[Row] = []
        active: list[Row] = []
        for batch in snapshots:
            key = {"merge_key": "day"} if by_day else {}
            place.merge(copy.deepcopy(batch), "scd2", allow_empty=True, **key)
            single = [row for n, row in enumerate(batch) if row not in batch[:n]]
            days = {row["day"] for row in batch}
            kept = [row for row in active if by_day and row["day"] not in days]
            versions += [row for row in single if row not in active]
            active = kept + single
            assert held(place, "id", "day", "gone") == wanted_versions(versions)
            now = [r for r in place.read("orders") if r["_dlt_valid_to"] is None]
            assert len(now) == len(active)
            assert sorted((r["id"], r["day"]) for r in now) == sorted(
                (r["id"], r["day"]) for r in active
            )

    run()


def wanted_versions(versions: list[Row]) -> list[str]:
    return wanted(versions, "id", "day", "gone")
