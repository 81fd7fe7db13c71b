"""Schema contracts: what a page may change, judged on whole columns before any of it counts.

A contract says for new tables, new columns and variant columns (`data_type`) what is to happen:
evolve, freeze, discard_row or discard_value. The rules are dlt's, but for two: a nested table is
as free in its first load as a root table is, and a null never breaks a contract.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from odp_dlt.errors import ConfigError, ContractError
from odp_dlt.registry import nearest
from odp_dlt.schema.merging import OWNER
from odp_dlt.schema.model import ID, LIST_IDX, PARENT_ID, Column, Schema, Table

Entity = Literal["tables", "columns", "data_type"]
Mode = Literal["evolve", "freeze", "discard_row", "discard_value"]

ENTITIES: tuple[Entity, ...] = get_args(Entity)
MODES: tuple[Mode, ...] = get_args(Mode)

HINT = "schema_contract"
"""The key of a table's hints, and of a schema's settings, that dlt keeps a contract under."""

MODEL_CONTRACT: Mapping[Entity, Mode] = MappingProxyType(
    {"tables": "evolve", "columns": "discard_value", "data_type": "freeze"}
)
"""The contract of a table whose columns are a pydantic model, unless another one is given."""

_SHOWN = 60
_OURS = ("_dlt_", "_odp_")


def modes_of(given: object, at: str | None = None) -> dict[Entity, Mode]:
    """The mode of every entity as `given` (one mode for all, or a mapping) says; evolve if unsaid.

    ConfigError, with `at` as its place, for an entity or a mode that there is none of.
    """
    said: Mapping[Any, Any] = (
        given if isinstance(given, Mapping) else dict.fromkeys(ENTITIES, given)
    )
    for entity, mode in said.items():
        if entity not in ENTITIES:
            raise ConfigError(
                f"a schema contract has no '{entity}'", at=at, hint=nearest(str(entity), ENTITIES)
            )
        if mode not in MODES:
            raise ConfigError(
                f"a schema contract cannot {mode!r} {entity}", at=at, hint=nearest(str(mode), MODES)
            )
    return {entity: said.get(entity, "evolve") for entity in ENTITIES}


@dataclass(frozen=True)
class Contract:
    """What may happen to a table; `origin` tells a person who said so."""

    modes: Mapping[Entity, Mode]
    origin: str

    @property
    def is_open(self) -> bool:
        """Whether it lets everything pass."""
        return all(mode == "evolve" for mode in self.modes.values())


@dataclass(frozen=True)
class Verdict:
    """What is left of a page: its rows by table, and the tables that it adds or changes.

    `discarded` counts rows by `table`, and values by `table.column`.
    """

    tables: Mapping[str, pa.Table]
    changed: tuple[Table, ...]
    discarded: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Contracts:
    """The contracts of a run, with what they protect.

    `source` is the contract of the whole source, `origin` names the source; `by_run` says that the
    run gave the contract, to the source and to every table. `stored` holds those that tables were
    stored with. `settled` is table → the columns that it had when the run began, for tables that
    had received data by then: only these are protected, other tables take any column.
    """

    source: object = None
    origin: str = ""
    by_run: bool = False
    stored: Mapping[str, object] = field(default_factory=dict)
    settled: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: Schema | None, source: object, origin: str, *, by_run: bool) -> "Contracts":
        """The contracts of a run that begins with the schema `stored`."""
        tables = stored.tables.values() if stored else ()
        return cls(
            source,
            "run(schema_contract=…)" if by_run else origin,
            by_run,
            {t.name: t.hints[HINT] for t in tables if HINT in t.hints},
            {t.name: frozenset(t.typed_columns()) for t in tables if t.seen_data},
        )

    def contract(self, *lineage: Table) -> Contract:
        """What holds for a table, which stands first in `lineage`, before those it is nested in.

        Each is as this run's hints declare it. The nearest of them that has a contract of its own,
        or was stored with one, decides; else the source. ConfigError for a contract that is none.
        """
        for table in lineage:
            if HINT in table.hints:
                where = self._place(table, lineage[-1].resource)
                return Contract(modes_of(table.hints[HINT], where), where)
            if table.name in self.stored:
                where = f"an earlier run, which stored it with table '{table.name}'"
                return Contract(modes_of(self.stored[table.name], where), where)
        return Contract(modes_of(self.source or "evolve", self.origin), self.origin)

    def _place(self, table: Table, resource: str | None) -> str:
        if self.by_run and table.hints[HINT] == self.source:
            return self.origin
        return f"{'nested_hints of ' if table.parent else ''}resource '{resource}'"

    def admitted(self, declared: Sequence[Table]) -> tuple[Table, ...]:
        """The `declared` tables, a root and those nested in it, with those of their declared
        columns that their contracts let pass.

        ContractError where a table that has data lacks a declared column and its columns are
        frozen. A model under the contract that comes with it may gain fields, though: it is what
        that contract holds the rows to.
        """
        lineages = _lineages(declared, {})
        return tuple(self._admitted(table, lineages[table.name]) for table in declared)

    def _admitted(self, table: Table, lineage: Sequence[Table]) -> Table:
        contract, columns = self.contract(*lineage), self.settled.get(table.name)
        if columns is None or contract.modes["columns"] == "evolve" or _is_models(table):
            return table
        new = [name for name in table.typed_columns() if _is_fresh(name, columns)]
        if new and contract.modes["columns"] == "freeze":
            raise ContractError(
                f"column '{new[0]}' is declared, but table '{table.name}' lacks it, and columns is"
                " frozen",
                at=f"resource '{lineage[-1].resource}'",
                hint=f"columns: freeze was set by {contract.origin}.",
            )
        return replace(table, columns={k: c for k, c in table.columns.items() if k not in new})

    def judge(
        self,
        declared: Sequence[Table],
        schema: Schema,
        tables: Mapping[str, pa.Table],
        changed: Sequence[Table],
        rows_before: Mapping[str, int] = MappingProxyType({}),
    ) -> Verdict:
        """What the contracts of the family leave of a page; ContractError if one freezes.

        `declared` are the root and nested tables as hints declare them. `tables` are flat and stand
        parents first; `changed` are those of them that differ from `declared` and `schema`, as they
        would be. `rows_before` is how many rows of each root came before this page.
        """
        root = declared[0]
        before = {**schema.tables, root.name: root}
        after = {**before, **{table.name: table for table in changed}}
        lineages = _lineages(declared, {name: after[name] for name in tables})
        contracts = {name: self.contract(*lineages[name]) for name in tables}
        if all(contract.is_open for contract in contracts.values()):
            return Verdict(tables, tuple(changed))
        nested = frozenset(table.name for table in declared[1:])
        page = _Page(contracts, nested, tables, before, after, rows_before)
        for name in tables:
            columns = self.settled.get(name)
            if columns is not None and _is_models(root) and name == root.name:
                columns |= frozenset(root.typed_columns())
            page.judge(name, columns)
        return page.verdict(changed)


def _lineages(declared: Sequence[Table], more: Mapping[str, Table]) -> dict[str, list[Table]]:
    """Each table and the ones that it is nested in, by its name, as they are `declared`.

    Of `more` tables, which are not, only the names and the parents count.
    """
    bare = {name: Table(name, parent=table.parent) for name, table in more.items()}
    known = {**bare, **{table.name: table for table in declared}}

    def lineage(table: Table) -> list[Table]:
        above = table.parent
        return [table, *(lineage(known.get(above) or Table(above)) if above else [])]

    return {name: lineage(table) for name, table in known.items()}


def _is_models(root: Table) -> bool:
    """Whether `root` has the columns of a model, and no other contract than comes with that."""
    return root.hints.get(HINT) == MODEL_CONTRACT


def _is_fresh(column: str, settled: frozenset[str]) -> bool:
    return column not in settled and not column.startswith("_dlt_")


@dataclass
class _Page:
    """One page under judgement: tables as they were `before` it, and as it would have them `after`.

    As in dlt, `declared` nested tables are not new to a contract that discards. `keep` masks the
    rows of a table that lost some, `trimmed` names the columns that it lost.
    """

    contracts: Mapping[str, Contract]
    declared: frozenset[str]
    tables: Mapping[str, pa.Table]
    before: Mapping[str, Table]
    after: Mapping[str, Table]
    rows_before: Mapping[str, int]
    keep: dict[str, Any] = field(default_factory=dict)
    trimmed: dict[str, set[str]] = field(default_factory=dict)
    discarded: Counter[str] = field(default_factory=Counter)

    def judge(self, name: str, settled: frozenset[str] | None) -> None:
        """Decide about the rows and columns of the table `name`; its parent's turn was before."""
        self._follow_parent(name)
        mode = self.contracts[name].modes["tables"]
        is_new = settled is None and (name not in self.declared or mode == "freeze")
        if is_new and mode != "evolve":
            self._judge_new(name)
            return
        fresh = list(self._fresh(name, settled))
        for column, entity, mode in fresh:
            if mode == "freeze":
                self._refuse(name, column, entity)
        for column, _, mode in fresh:
            if mode == "discard_row":
                self._keep(name, self.tables[name].column(column.name).is_null())
        for column, *_ in fresh:
            self._trim(name, column.name)

    def verdict(self, changed: Sequence[Table]) -> Verdict:
        """What is left, with the counts of what is not."""
        left = {}
        for name, rows in self.tables.items():
            kept = rows.filter(self.keep[name]) if name in self.keep else rows
            self.discarded[name] += rows.num_rows - kept.num_rows
            if kept.num_rows or not rows.num_rows:
                left[name] = kept.drop_columns(sorted(self.trimmed.get(name, ())))
        tables = [self._trimmed(table, left[table.name]) for table in changed if table.name in left]
        return Verdict(left, tuple(tables), +self.discarded)

    def _trimmed(self, table: Table, rows: pa.Table) -> Table:
        """`table` without the columns that none of the `rows` left brings any more."""
        gone = set(self.trimmed.get(table.name, ()))
        if table.name in self.keep:
            gone |= {c for c in rows.column_names if rows.column(c).null_count == rows.num_rows}
        was = self.before[table.name].columns if table.name in self.before else {}
        columns = {
            name: was.get(name, column) if name in gone else column
            for name, column in table.columns.items()
            if name not in gone or name in was
        }
        return replace(table, columns=columns)

    def _fresh(
        self, name: str, settled: frozenset[str] | None
    ) -> Iterator[tuple[Column, Entity, Mode]]:
        """The columns that the rows would add against the contract, and what it says to each."""
        rows = self.tables[name]
        for column in self.after[name].typed_columns().values():
            if column.name.startswith("_dlt_") or column.name not in rows.column_names:
                continue
            entity: Entity = "data_type" if column.has("variant") else "columns"
            free = entity == "columns" if settled is None else column.name in settled
            mode = self.contracts[name].modes[entity]
            if not free and mode != "evolve":
                yield column, entity, mode

    def _follow_parent(self, name: str) -> None:
        """Rows that stood in rows that were discarded go with them."""
        rows = self.tables[name]
        link = OWNER if OWNER in rows.column_names else PARENT_ID
        if link not in rows.column_names:
            return
        own = self.after[name].parent
        for parent in [other for other in self.keep if link == OWNER or other == own]:
            gone = self.tables[parent].column(ID).filter(pc.invert(self.keep[parent]))
            orphaned = pc.is_in(rows.column(link), value_set=gone.combine_chunks())
            self._keep(name, pc.invert(orphaned))

    def _keep(self, name: str, mask: Any) -> None:
        before = self.keep.get(name)
        self.keep[name] = mask if before is None else pc.and_(before, mask)

    def _trim(self, name: str, column: str) -> None:
        values = self._kept_values(name, column)
        self.discarded[f"{name}.{column}"] += len(values) - values.null_count
        self.trimmed.setdefault(name, set()).add(column)

    def _kept_values(self, name: str, column: str) -> pa.ChunkedArray:
        """The values of `column`, null in the rows that were discarded."""
        values = self.tables[name].column(column)
        return pc.if_else(self.keep[name], values, None) if name in self.keep else values

    def _judge_new(self, name: str) -> None:
        rows = self.tables[name]
        alive = self.keep.get(name, pa.chunked_array([pa.repeat(True, rows.num_rows)]))
        first = pc.index(alive, True).as_py()
        if first < 0:
            return
        if self.contracts[name].modes["tables"] == "freeze":
            row = next(iter(rows.slice(first, 1).to_pylist()))
            value = {k: v for k, v in row.items() if v is not None and not k.startswith(_OURS)}
            what = f"table '{name}' would be new, and tables is frozen; it would hold"
            self._raise(name, f"{what} {shown(value)}", "tables", self._place(name, first))
        self._keep(name, pa.chunked_array([pa.repeat(False, rows.num_rows)]))

    def _refuse(self, name: str, column: Column, entity: Entity) -> None:
        values = self._kept_values(name, column.name)
        first = pc.index(values.is_valid(), True).as_py()
        if first < 0:
            return
        what = f"column '{column.name}' of table '{name}' would be new, and {entity} is frozen"
        if entity == "data_type":
            base = self.after[name].columns.get(column.name.rpartition("v_")[0].rstrip("_▶"))
            what += f", as column '{base.name}' is {base.data_type}" if base else ""
        value = shown(values[first].as_py())
        self._raise(
            name, f"{what}; the value is {value}", entity, self._place(name, first, column.name)
        )

    def _raise(self, name: str, message: str, entity: Entity, at: str) -> None:
        raise ContractError(
            message,
            at=at,
            hint=f"{entity}: freeze was set by {self.contracts[name].origin}. Change the data or"
            " the mode: evolve takes it, discard_row and discard_value leave it out.",
        )

    def _place(self, name: str, index: int, column: str = "") -> str:
        """Where in the data: `orders, row 18, lines[2].sku`; rows count from 1, lists from 0."""
        steps = [column] if column else []
        while (parent := self.after[name].parent) and PARENT_ID in self.tables[name].column_names:
            row = self.tables[name].slice(index, 1)
            step = name.removeprefix(parent).lstrip("_▶")
            steps.insert(0, f"{step}[{row.column(LIST_IDX)[0].as_py()}]")
            index = pc.index(self.tables[parent].column(ID), row.column(PARENT_ID)[0]).as_py()
            name = parent
        return f"{name}, row {self.rows_before.get(name, 0) + index + 1}" + (
            f", {'.'.join(steps)}" if steps else ""
        )


def shown(value: object) -> str:
    """`value` for an error message, shortened."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
