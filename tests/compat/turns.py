"""One dataset loaded in three turns by dlt and by this engine, and everything that is in it then.

A turn knows nothing of those before it but what is in the destination: it has a home of its own.
"""

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dlt as real_dlt
import duckdb
import pytest

from odp_dlt import dlt as own_dlt
from odp_dlt.pipeline.state import decode

ENGINES = {"dlt": real_dlt, "ours": own_dlt}
DATASET = "data"
_IDS = ("_dlt_id", "_dlt_parent_id", "_dlt_root_id")
OWN_TABLES = ("_dlt_version", "_dlt_loads", "_dlt_pipeline_state")

AT = datetime(2024, 1, 2, 3, 4, 5, 678900, UTC)


@dataclass(frozen=True)
class Feed:
    """What one resource yields in each turn.

    `cursor` are the arguments of an incremental, if it has one. `hashed` says that its row ids are
    hashes.
    """

    turns: Sequence[list[dict[str, Any]]]
    hints: Mapping[str, Any]
    cursor: Mapping[str, Any] | None = None
    hashed: bool = False


def _merge(strategy: str, **more: Any) -> dict[str, Any]:
    return {"write_disposition": {"disposition": "merge", "strategy": strategy}, **more}


def _lines(*numbers: int) -> list[dict[str, Any]]:
    return [{"n": n, "opts": [{"k": f"k{n}"}] * n} for n in numbers]


FEEDS = {
    "plain": Feed(
        [
            [
                {
                    "id": 1,
                    "at": AT,
                    "price": Decimal("1.25"),
                    "tags": ["a", "b"],
                    "lines": _lines(2),
                },
                {"id": 2, "day": date(2024, 1, 2), "raw": b"\x00\xff", "ratio": 0.5, "ok": True},
            ],
            [{"id": 3, "later": "x", "at": "2024-05-06T07:08:09+02:00", "more": [[1, 2], [3]]}],
            [{"id": "four", "ratio": "none", "a": {"b": {"c": 1}, "d": 2}, "lines": _lines(1, 2)}],
        ],
        {"columns": {"doc": {"data_type": "json"}}},
    ),
    "documents": Feed(
        [[{"id": n, "doc": {"n": n, "list": [n, {"x": None}]}}] for n in range(3)],
        {"columns": {"doc": {"data_type": "json"}}},
    ),
    "events": Feed(
        [[{"n": t * 2 + i, "tags": ["a", "b"]} for i in range(4)] for t in range(3)],
        {"primary_key": "n"},
        cursor={"cursor_path": "n"},
    ),
    "moments": Feed(
        [[{"at": AT.replace(day=t + d), "d": d} for d in (2, 3, 3)] for t in range(3)],
        {},
        cursor={"cursor_path": "at"},
    ),
    "backfill": Feed(
        [[{"n": t * 2 + i} for i in range(4)] for t in range(3)],
        {},
        cursor={"cursor_path": "n", "initial_value": 1, "end_value": 7},
    ),
    "snapshot": Feed(
        [[{"id": t * 10 + n, "tags": ["x"] * n} for n in range(3)] for t in range(3)],
        {"write_disposition": "replace"},
    ),
    "orders": Feed(
        [
            [{"id": n, "v": "first", "gone": False, "lines": _lines(n)} for n in range(4)],
            [
                {"id": 0, "v": "second", "gone": True},
                {"id": 1, "v": "second", "gone": False, "lines": _lines(3, 1)},
                {"id": 4, "v": "second", "gone": False, "extra": 1.5, "lines": _lines(2)},
            ],
            [
                {"id": 1, "v": "third", "gone": None},
                {"id": 0, "v": "third", "gone": False, "lines": _lines(1)},
                {"id": 4, "v": "third", "gone": True},
            ],
        ],
        _merge("delete-insert", primary_key="id", columns={"gone": {"hard_delete": True}}),
    ),
    "days": Feed(
        [[{"day": t + d, "turn": t, "tags": [t]} for d in (0, 0, 1)] for t in range(3)],
        _merge("delete-insert", merge_key="day"),
    ),
    "stock": Feed(
        [
            [
                {"shop": s, "no": n, "left": s * n, "lines": _lines(n)}
                for s in (1, 2)
                for n in (1, 2)
            ],
            [{"shop": 2, "no": 2, "left": 0, "lines": _lines(3)}, {"shop": 3, "no": 1, "left": 7}],
            [{"shop": 1, "no": 1, "left": 9}, {"shop": 3, "no": 1, "left": 8, "note": "ü\n"}],
        ],
        _merge("upsert", primary_key=["shop", "no"]),
        hashed=True,
    ),
    "readings": Feed(
        [[{"at": AT.replace(hour=t + h), "turn": t} for h in range(2)] for t in range(3)],
        _merge("upsert", primary_key="at"),
        hashed=True,
    ),
    "firsts": Feed(
        [
            [{"id": f"id {t + n}", "turn": t, "lines": _lines(n)} for n in range(3)]
            for t in range(3)
        ],
        _merge("insert-only", primary_key="id"),
        hashed=True,
    ),
    "people": Feed(
        [
            [
                {"id": 1, "name": "Ada", "born": date(1815, 12, 10), "roles": ["a"], "x": 0.1},
                {"id": 2, "name": "Bob", "at": AT, "sum": Decimal("2.5"), "lines": _lines(1)},
                {"id": 3, "name": "Cy", "in": {"a": {"b": 1}, "c": [[1], [2]]}},
            ],
            [
                {"name": "Ada", "id": 1, "roles": ["a", "b"], "born": date(1815, 12, 10), "x": 0.1},
                {"id": 2, "name": "Bob", "at": AT, "sum": Decimal("2.5"), "lines": _lines(1)},
                {"id": 4, "name": "Dé", "age": 4},
            ],
            [
                {"id": 1, "name": "Ada", "born": date(1815, 12, 10), "roles": ["a"], "x": 0.1},
                {"id": 3, "name": "Cy", "in": {"a": {"b": 1}, "c": [[1], [2]]}},
                {"id": 4, "name": "Dé", "age": 4},
            ],
        ],
        _merge("scd2"),
        hashed=True,
    ),
    "shifts": Feed(
        [[{"day": t + d, "v": (t + d) // 2, "who": ["x"]} for d in range(2)] for t in range(3)],
        _merge("scd2", merge_key="day"),
        hashed=True,
    ),
    "versions": Feed(
        [[{"id": n, "h": f"{n} {t // (n + 1)}"} for n in range(3)] for t in range(3)],
        {
            "write_disposition": {
                "disposition": "merge",
                "strategy": "scd2",
                "row_version_column_name": "h",
                "validity_column_names": ["since", "until"],
                "active_record_timestamp": "9999-12-31",
            }
        },
    ),
}


def source(dlt: Any, turn: int) -> Any:
    """All feeds as they are in `turn`."""

    def rows(feed: Feed) -> Callable[..., Iterator[Any]]:
        def all_of_them() -> Iterator[Any]:
            yield copy.deepcopy(feed.turns[turn])

        options = feed.cursor or {"cursor_path": "none"}

        def after(cursor: Any = dlt.sources.incremental(**options)) -> Iterator[Any]:
            yield copy.deepcopy(feed.turns[turn])

        return after if feed.cursor else all_of_them

    def made() -> Iterator[Any]:
        for name, feed in FEEDS.items():
            yield dlt.resource(rows(feed), name=name, **copy.deepcopy(dict(feed.hints)))

    return dlt.source(made, name="shop")()


@dataclass(frozen=True)
class Store:
    """A database that both engines load into; `select` gives columns and rows of SQL."""

    kind: str
    where: str
    select: Callable[[str], tuple[list[str], list[tuple[Any, ...]]]]

    def pipeline(self, engine: str, home: Path) -> Any:
        dlt = ENGINES[engine]
        made = getattr(dlt.destinations, self.kind)(self.where)
        return dlt.pipeline(
            "turns", destination=made, dataset_name=DATASET, pipelines_dir=str(home)
        )

    def columns(self) -> dict[str, list[tuple[str, str, str]]]:
        """Name, type and whether it may be null, of each table's columns in their order."""
        found: dict[str, list[tuple[str, str, str]]] = {}
        for table, *column in self.select(_COLUMNS[self.kind])[1]:
            found.setdefault(table, []).append((column[0], column[1], column[2]))
        return found

    def rows(self, table: str) -> list[dict[str, Any]]:
        names, rows = self.select(f'SELECT * FROM {DATASET}."{table}"')
        return [dict(zip(names, row, strict=True)) for row in rows]


_COLUMNS = {
    "duckdb": "SELECT table_name, column_name, data_type, CAST(is_nullable AS VARCHAR) "
    f"FROM duckdb_columns() WHERE schema_name = '{DATASET}' ORDER BY table_name, column_index",
    "postgres": "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), "
    "CASE WHEN a.attnotnull THEN 'false' ELSE 'true' END FROM pg_attribute AS a "
    "JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'r' "
    f"JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = '{DATASET}' "
    "WHERE a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum",
}


def duckdb_store(folder: Path) -> Store:
    database = str(folder / "turns.duckdb")

    def select(sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        with duckdb.connect(database, read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            found = con.sql(sql)
            return found.columns, found.fetchall()

    return Store("duckdb", database, select)


def postgres_store(uri: str) -> Store:
    def select(sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        from adbc_driver_postgresql import dbapi

        with dbapi.connect(uri) as con, con.cursor() as cursor:
            cursor.execute(sql)
            return [column[0] for column in cursor.description], cursor.fetchall()

    return Store("postgres", uri, select)


def take_turns(store: Store, engines: Sequence[str], home: Path) -> None:
    """Load all feeds once by each of `engines`, one after the other."""
    with pytest.MonkeyPatch.context() as patched, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patched.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
        patched.setenv("RUNTIME__LOG_LEVEL", "CRITICAL")
        patched.chdir(home)
        for turn, engine in enumerate(engines):
            folder = home / f"turn{turn}"
            patched.setenv("DLT_DATA_DIR", str(folder))
            store.pipeline(engine, folder).run(source(ENGINES[engine], turn))


def as_told(store: Store, engine: str, home: Path) -> tuple[Any, str]:
    """What `engine`, asked anew, knows of the sources' state and the schema's version."""
    with pytest.MonkeyPatch.context() as patched, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patched.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
        patched.setenv("DLT_DATA_DIR", str(home / "asked"))
        patched.chdir(home)
        pipeline = store.pipeline(engine, home / "asked")
        pipeline.sync_destination()
        return pipeline.state["sources"], pipeline.default_schema.version_hash


@dataclass(frozen=True)
class Dataset:
    """All that is in a dataset; load ids and their moments are the turn, 0 to 2."""

    columns: Mapping[str, list[tuple[str, str, str]]]
    rows: Mapping[str, list[dict[str, Any]]]
    loads: list[tuple[Any, ...]]
    versions: list[str]
    states: list[tuple[int, Any]]

    def of(self, feed: str) -> dict[str, list[dict[str, Any]]]:
        """The rows of the table of `feed` and of those nested in it."""
        return {t: rows for t, rows in self.rows.items() if t == feed or t.startswith(f"{feed}__")}


def look(store: Store) -> Dataset:
    loads = sorted(store.rows("_dlt_loads"), key=lambda row: float(row["load_id"]))
    turns: dict[Any, int] = {row["load_id"]: turn for turn, row in enumerate(loads)}
    turns |= {datetime.fromtimestamp(float(load), UTC): turn for load, turn in list(turns.items())}
    columns = store.columns()
    rows = {
        table: [_by_turn(row, turns) for row in store.rows(table)]
        for table in columns
        if table not in OWN_TABLES
    }
    versions = sorted(store.rows("_dlt_version"), key=lambda row: row["inserted_at"])
    states = sorted(store.rows("_dlt_pipeline_state"), key=lambda row: row["version"])
    return Dataset(
        columns,
        rows,
        [(row["schema_name"], row["status"], row["schema_version_hash"]) for row in loads],
        [row["version_hash"] for row in versions],
        [(row["version"], decode(row["state"])) for row in states],
    )


def _by_turn(row: Mapping[str, Any], turns: Mapping[Any, int]) -> dict[str, Any]:
    moments = ("_dlt_valid_from", "_dlt_valid_to", "since", "until", "_dlt_load_id")
    return {
        name: turns.get(_utc(value), value) if name in moments else value
        for name, value in row.items()
    }


def _utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def rows_of(dataset: Dataset, feed: str) -> list[str]:
    """All rows of `feed` as text: with their ids where these are hashes, else in their trees."""
    tables = dataset.of(feed)
    if FEEDS[feed].hashed:
        return sorted(f"{table}: {row!r}" for table, rows in tables.items() for row in rows)
    return trees(tables, feed)


def trees(tables: Mapping[str, list[dict[str, Any]]], root: str) -> list[str]:
    """Root rows with their nested rows in them; fails for nested rows that have no parent."""
    inside: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for table, rows in tables.items():
        for row in rows if table != root else ():
            inside.setdefault(row["_dlt_parent_id"], []).append((table, row))

    def tree(row: dict[str, Any]) -> list[Any]:
        shown = sorted((k, repr(v)) for k, v in row.items() if k not in _IDS)
        nested = inside.pop(row["_dlt_id"], [])
        nested.sort(key=lambda each: (each[0], each[1]["_dlt_list_idx"]))
        return [shown, *((table, tree(each)) for table, each in nested)]

    found = sorted(repr(tree(row)) for row in tables[root])
    assert not inside, f"rows without a parent: {inside}"
    return found
