"""The same input loaded by dlt and by this engine, and what became of it, side by side.

A run of dlt costs a good fraction of a second, so many cases are loaded together: each is a
resource of its own in one source, and is looked at alone afterwards.
"""

import copy
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from odp_dlt.destinations.duckdb import Duckdb
from odp_dlt.extract.decorators import resource, source
from odp_dlt.pipeline.pipeline import Pipeline
from odp_dlt.schema.types import Wei
from odp_dlt.settings import Settings
from tests.compat.differences import DIFFERENCES

PARENT, PLACE = "_dlt_parent_id", "_dlt_list_idx"
IDS = frozenset({"_dlt_id", PARENT, "_dlt_root_id", "_dlt_load_id"})

Rows = list[Any]


@dataclass(frozen=True)
class Case:
    """Runs of pages of rows for a resource called `name`, which is a plain identifier.

    `differs` names the intended difference (a key of `DIFFERENCES`) that the case shows; `ours` is
    then what this engine makes of it: rows by table, without nulls and system columns.
    `dlt_fails` says that dlt cannot load it at all. Both engines get copies of the rows, unless
    they are not `copied`: so for large ones without Wei, whose pages may then be read once.
    """

    name: str
    runs: Sequence[Iterable[Rows]]
    hints: Mapping[str, Any] = field(default_factory=dict)
    differs: str | None = None
    ours: Mapping[str, Rows] | None = None
    dlt_fails: bool = False
    copied: bool = True


@dataclass(frozen=True)
class Table:
    """A table as it is in DuckDB, and as the stored schema describes it."""

    columns: list[tuple[str, str, bool]]  # name, type, nullable
    rows: list[dict[str, Any]]
    stored: dict[str, Any]


Dataset = dict[str, Table]
Both = tuple[Dataset, Dataset]


def case(name: str, *rows: Any, **more: Any) -> Case:
    """A case of one page in one run."""
    return Case(name, [[list(rows)]], **more)


def by_both(cases: Sequence[Case], folder: Path, **settings: Any) -> Both:
    """What dlt and what this engine make of `cases`; dlt is spared those that it fails on."""
    fine = [each for each in cases if not each.dlt_fails]
    return by_dlt(fine, folder, **settings), by_ours(cases, folder, **settings)


def hold(case: Case, both: Both) -> None:
    """Assert that the two agree on `case`, or that they differ where that is intended."""
    theirs, mine = (family(dataset, case.name) for dataset in both)
    found = ["dlt fails"] if case.dlt_fails else unlike(theirs, mine)
    if case.differs is None:
        assert not found, "\n".join(found)
        return
    assert case.differs in DIFFERENCES
    assert found, f"'{case.differs}' is no difference here any more"
    if case.ours is not None:
        assert plain_rows(mine) == case.ours


def refuses(case: Case, folder: Path) -> bool:
    """Whether dlt fails to load `case`."""
    try:
        by_dlt([case], folder)
    except Exception:  # noqa: BLE001 - dlt has no one class for all that may go wrong in a run
        return True
    return False


def by_dlt(cases: Sequence[Case], folder: Path, **settings: Any) -> Dataset:
    """What dlt makes of `cases`; `settings` are `naming`, `max_table_nesting`, `loader_file_format`
    and `rows`, which says whether they are read again.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DLT_DATA_DIR", str(folder / "data"))
        patched.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
        patched.setenv("RUNTIME__LOG_LEVEL", "CRITICAL")
        patched.setenv("SCHEMA__NAMING", settings.get("naming", "snake_case"))
        _run_dlt(cases, folder, settings)
    return read(folder / "dlt.duckdb", rows=settings.get("rows", True))


def _run_dlt(cases: Sequence[Case], folder: Path, settings: Mapping[str, Any]) -> None:
    import dlt

    database = folder / "dlt.duckdb"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(_runs(cases)):
            pipeline = dlt.pipeline(
                "compat",
                destination=dlt.destinations.duckdb(str(database)),
                dataset_name="data",
                pipelines_dir=str(folder / "pipelines"),
            )
            made = dlt.source(_resources, name="compat", section="compat")
            given = made(dlt.resource, _with_their_wei(cases), number)
            given.max_table_nesting = settings.get("max_table_nesting")
            pipeline.run(given, loader_file_format=settings.get("loader_file_format"))


def by_ours(cases: Sequence[Case], folder: Path, **settings: Any) -> Dataset:
    """What this engine makes of `cases`."""
    database = folder / "odp.duckdb"
    naming = settings.get("naming", "snake_case")
    for number in range(_runs(cases)):
        pipeline = Pipeline(
            "compat",
            Duckdb(database=database),
            "data",
            Settings.from_folder(folder, {"SCHEMA__NAMING": naming}),
            work_dir=folder / "packages",
        )
        given = source(_resources, name="compat")(resource, cases, number)
        given.max_table_nesting = settings.get("max_table_nesting")
        pipeline.run(given)
    return read(database, rows=settings.get("rows", True))


def _with_their_wei(cases: Sequence[Case]) -> list[Case]:
    """The cases with dlt's own class in place of ours, as an import in a source would give it."""
    from dlt.common.wei import Wei as Theirs

    def swapped(value: Any) -> Any:
        if type(value) is list:
            return [swapped(item) for item in value]
        if type(value) is dict:
            return {key: swapped(item) for key, item in value.items()}
        return Theirs(value) if type(value) is Wei else value

    return [
        replace(each, runs=swapped([list(map(list, run)) for run in each.runs]))
        if each.copied
        else each
        for each in cases
    ]


def _runs(cases: Sequence[Case]) -> int:
    return max(len(each.runs) for each in cases)


def _resources(make: Any, cases: Sequence[Case], number: int) -> Iterator[Any]:
    for each in cases:
        pages = each.runs[number] if number < len(each.runs) else []
        hints = copy.deepcopy(dict(each.hints))
        yield make(_pages, name=each.name, **hints)(pages, each.copied)


def _pages(pages: Iterable[Rows], copied: bool) -> Iterator[Rows]:
    for page in pages:
        yield copy.deepcopy(page) if copied else page


def read(database: Path, *, rows: bool = True) -> Dataset:
    """Every table of the dataset but dlt's own, with the newest stored schema's word on it."""
    with duckdb.connect(str(database), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        newest = con.execute(
            "SELECT schema FROM data._dlt_version ORDER BY version DESC LIMIT 1"
        ).fetchone()
        assert newest is not None
        stored = orjson.loads(newest[0])["tables"]
        columns: dict[str, list[tuple[str, str, bool]]] = {}
        for table, *column in con.execute(
            "SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns() "
            "WHERE schema_name = 'data' ORDER BY table_name, column_index"
        ).fetchall():
            columns.setdefault(table, []).append((column[0], column[1], column[2]))
        return {
            name: Table(
                columns.get(name, []), _rows(con, name) if rows and name in columns else [], table
            )
            for name, table in stored.items()
            if not name.startswith("_dlt_")
        }


def _rows(con: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    """Dates and times as text: DuckDB holds some that Python does not."""
    found = con.sql(f'SELECT * FROM data."{table}"')
    moments = [
        f"CAST({_quoted(name)} AS VARCHAR) AS {_quoted(name)}"
        for name, kind in zip(found.columns, found.types, strict=True)
        if str(kind).startswith(("TIME", "DATE"))
    ]
    if moments:
        found = con.sql(f'SELECT * REPLACE ({", ".join(moments)}) FROM data."{table}"')
    rows: list[dict[str, Any]] = found.to_arrow_table().to_pylist()
    return rows


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def family(dataset: Dataset, name: str) -> Dataset:
    """The tables that the resource `name` filled, parents first."""
    mine = {t: table for t, table in dataset.items() if table.stored.get("resource") == name}
    grown = True
    while grown:
        more = {
            t: table
            for t, table in dataset.items()
            if t not in mine and table.stored.get("parent") in mine
        }
        mine.update(more)
        grown = bool(more)
    return mine


def trees(tables: Dataset) -> list[str]:
    """Every root row with its nested rows inside it, in text that compares by value and class."""
    children: dict[str, list[str]] = {}
    inside: dict[tuple[str, Any], list[dict[str, Any]]] = {}
    for name, table in tables.items():
        parent = table.stored.get("parent")
        if parent is not None:
            children.setdefault(parent, []).append(name)
            for row in sorted(table.rows, key=lambda row: row[PLACE]):
                inside.setdefault((name, row[PARENT]), []).append(row)

    def tree(name: str, row: dict[str, Any]) -> dict[str, Any]:
        grown = {k: v for k, v in row.items() if k not in IDS}
        for child in sorted(children.get(name, ())):
            rows = inside.pop((child, row["_dlt_id"]), [])
            grown[f"{child}[]"] = [tree(child, each) for each in rows]
        return grown

    roots = [name for name, table in tables.items() if "parent" not in table.stored]
    found = sorted(f"{name}: {tree(name, row)!r}" for name in roots for row in tables[name].rows)
    assert not inside, f"rows without a parent: {inside}"
    return found


def unlike(dlts: Dataset, ours: Dataset) -> list[str]:
    """In words, everything in which two families differ; nothing if they are alike."""
    found = [f"dlt alone has table {name}" for name in dlts if name not in ours]
    found += [f"we alone have table {name}" for name in ours if name not in dlts]
    for name in dlts:
        if name in ours:
            found += _unlike_table(name, dlts[name], ours[name])
    if not found:
        theirs, mine = trees(dlts), trees(ours)
        pairs = zip(theirs, mine, strict=False)
        found += [f"row: dlt {a}\n     ours {b}" for a, b in pairs if a != b]
        if len(theirs) != len(mine):
            found.append(f"rows: dlt has {len(theirs)}, we have {len(mine)}")
    return found


def _unlike_table(name: str, theirs: Table, mine: Table) -> list[str]:
    found = []
    if theirs.columns != mine.columns:
        found.append(f"columns of {name}: dlt {theirs.columns}\n     ours {mine.columns}")
    a, b = dict(theirs.stored), dict(mine.stored)
    a_columns, b_columns = a.pop("columns"), b.pop("columns")
    if a != b:
        found.append(f"schema of {name}: dlt {a}\n     ours {b}")
    if a_columns != b_columns or list(a_columns) != list(b_columns):
        found.append(f"schema columns of {name}: dlt {a_columns}\n     ours {b_columns}")
    return found


def plain_rows(tables: Dataset) -> dict[str, Rows]:
    """The rows of each table without nulls and without the system's columns."""
    return {
        name: [
            {k: v for k, v in row.items() if v is not None and not k.startswith("_dlt_")}
            for row in table.rows
        ]
        for name, table in tables.items()
    }
