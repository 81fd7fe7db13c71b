"""Random sequences of loads against the same done to a list of rows.

Each run loads several tables, each by a sequence of its own: a run costs more than a table does.
How many runs there are is fixed, whatever hypothesis draws.
"""

import copy
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odp_dlt import dlt
from tests.destinations.places import Place

Row = dict[str, Any]

SETTINGS = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
STRATEGIES = ("delete-insert", "upsert", "cdc", "insert-only")
GONE = {"gone": {"hard_delete": True, "data_type": "bool"}}
TABLES = ("a", "b", "c", "d")
STEPS = 4

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
snapshots = st.lists(rows, max_size=4)


def in_each_table(step: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Steps, each with what every table loads in it."""
    return st.lists(
        st.fixed_dictionaries(dict.fromkeys(TABLES, step)), min_size=STEPS, max_size=STEPS
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


@dataclass
class Versions:
    """The versions that a table should hold: all of them, and those that are active."""

    by_day: bool
    every: list[Row] = field(default_factory=list)
    active: list[Row] = field(default_factory=list)

    def load(self, batch: list[Row]) -> None:
        single = [row for n, row in enumerate(batch) if row not in batch[:n]]
        days = {row["day"] for row in batch}
        kept = [row for row in self.active if self.by_day and row["day"] not in days]
        self.every += [row for row in single if row not in self.active]
        self.active = kept + single


def examples(place: Place, number: int) -> int:
    """How many: SQLite opens its file in no time, and shares the SQL with the others."""
    return number * 4 if place.destination.name == "sqlite" else number


def fresh(place: Place) -> Place:
    return replace(place, dataset=f"data_{secrets.token_hex(6)}")


def load_all(place: Place, given: Mapping[str, tuple[list[Row], dict[str, Any]]]) -> None:
    """Load rows by their hints into each table, in one run."""

    @dlt.source
    def shop() -> Any:
        for name, (batch, hints) in given.items():
            yield dlt.resource(copy.deepcopy(batch), name=name, **hints)

    place.pipeline().run(shop(), allow_empty=True)


def read_all(place: Place) -> dict[str, list[Row]]:
    """The rows of all tables, as they are at one moment."""
    names = [f"{t}{nested}" for t in TABLES for nested in ("", "__lines", "__lines__opts")]
    with place.destination.open(place.dataset, write=False) as session:
        return {name: session.read(name).to_pylist() for name in names}


def hints_of(how: str, by_day: bool) -> dict[str, Any]:
    if how in ("append", "replace"):
        return {"write_disposition": how}
    merge = {"disposition": "merge", "strategy": how}
    key = {"merge_key": "day"} if by_day else {}
    return {"write_disposition": merge, "primary_key": "id", "columns": GONE, **key}


def held(
    tables: Mapping[str, list[Row]], root: str, *columns: str, root_key: bool = False
) -> list[str]:
    """Every row of `root` with its nested rows; fails for nested rows that have no parent, or a
    wrong root.
    """
    by_parent: dict[str, list[Row]] = {}
    known = {row["_dlt_id"]: row["_dlt_id"] for row in tables[root]}
    for table in (f"{root}__lines", f"{root}__lines__opts"):
        level = tables[table]
        for row in level:
            above = known[row["_dlt_parent_id"]]
            assert not root_key or row.get("_dlt_root_id") in (above, None)
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

    return sorted(text(tree(row)) for row in tables[root])


def wanted(rows: list[Row], *columns: str) -> list[str]:
    return sorted(text({**{c: row[c] for c in columns}, "lines": row["lines"]}) for row in rows)


def text(row: Row) -> str:
    return json.dumps({k: bool(v) if k == "gone" else v for k, v in row.items()}, sort_keys=True)


def test_any_sequence_of_loads_ends_as_in_a_list(database: Place) -> None:
    @settings(SETTINGS, max_examples=examples(database, 3))
    @given(in_each_table(loads))
    def run(steps: list[dict[str, Any]]) -> None:
        place, models = fresh(database), {name: Model() for name in TABLES}
        for step in steps:
            load_all(place, {n: (rows, hints_of(how, day)) for n, (how, day, rows) in step.items()})
            tables = read_all(place)
            for name, (how, by_day, batch) in step.items():
                models[name].load(how, by_day, batch)
                found = held(tables, name, "id", "day", root_key=how in STRATEGIES)
                assert found == wanted(models[name].rows, "id", "day")

    run()


def test_any_sequence_of_snapshots_ends_with_one_active_version_of_each_row(
    database: Place,
) -> None:
    scd2 = {"write_disposition": {"disposition": "merge", "strategy": "scd2"}}
    key = dict(zip(TABLES, ({}, {"merge_key": "day"}) * 2, strict=True))

    @settings(SETTINGS, max_examples=examples(database, 3))
    @given(in_each_table(snapshots))
    def run(steps: list[dict[str, list[Row]]]) -> None:
        place, models = fresh(database), {name: Versions(bool(key[name])) for name in TABLES}
        for step in steps:
            load_all(place, {name: (batch, {**scd2, **key[name]}) for name, batch in step.items()})
            tables = read_all(place)
            for name, batch in step.items():
                model, columns = models[name], ("id", "day", "gone")
                model.load(batch)
                assert held(tables, name, *columns) == wanted(model.every, *columns)
                now = [row for row in tables[name] if row["_dlt_valid_to"] is None]
                assert len({row["_dlt_id"] for row in now}) == len(now)
                assert sorted((r["id"], r["day"]) for r in now) == sorted(
                    (r["id"], r["day"]) for r in model.active
                )

    run()
