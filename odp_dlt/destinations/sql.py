"""The session of every SQL database, over a few hooks."""

import logging
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow as pa

from odp_dlt.destinations.base import Session
from odp_dlt.destinations.merge import merge
from odp_dlt.destinations.replace import replace
from odp_dlt.destinations.scd2 import active_until, boundary, scd2
from odp_dlt.destinations.statements import (
    Target,
    add_column,
    brought_by,
    create_table,
    delete,
    delete_loads,
    fill_root_ids,
    newest,
    qualified,
)
from odp_dlt.errors import DestinationError
from odp_dlt.schema.merging import SCD2, STAGED, Merging, merging
from odp_dlt.schema.model import LOAD_ID, PARENT_ID, ROOT_ID, Column, Disposition, Table

log = logging.getLogger(__name__)

DISPOSITIONS: frozenset[Disposition] = frozenset({"append", "replace", "merge"})
STRATEGIES = frozenset({"delete-insert", "upsert", "insert-only", "scd2"})


class SqlSession(Session):
    """Hooks a database fills: `run`, `query`, `ingest`, `stage`, `type_name`, `columns`; and where
    it is unlike others `moment`, `casts`, `sorts`.
    """

    def __init__(self, dataset: str) -> None:
        self.dataset = dataset

    def named(self, table: str) -> str:
        """How this session's SQL names `table`."""
        return qualified(self.dataset, table)

    @abstractmethod
    def run(self, sql: str) -> None:
        """Execute one statement."""

    @abstractmethod
    def query(self, sql: str, values: Sequence[str] = ()) -> pa.Table:
        """The rows of one SELECT; `$1`, `$2` … in it stand for `values`."""

    def counted(self, sql: str) -> tuple[list[str], int]:
        """Execute one statement; the columns of its rows, none if it has no rows, and how many."""
        rows = self.query(sql)
        return rows.column_names, rows.num_rows

    @abstractmethod
    def ingest(self, table: Table, rows: pa.RecordBatchReader) -> int:
        """Append `rows`, whose columns are named as in `table`; how many there were."""

    @abstractmethod
    def stage(self, name: str, rows: pa.RecordBatchReader) -> int:
        """Make `rows` the temporary table `name`, with the types that Arrow has; how many rows."""

    @abstractmethod
    def type_name(self, column: Column) -> str:
        """The database's type for `column`."""

    def moment(self, at: datetime) -> str:
        """A moment as an SQL value."""
        return f"CAST('{at.isoformat(' ')}' AS TIMESTAMP WITH TIME ZONE)"

    def casts(self, table: Table) -> Mapping[str, str]:
        """Columns whose staged values must be cast to be inserted, with the type to cast to."""
        return {}

    def sorts(self, table: Table) -> Mapping[str, str]:
        """Columns that are in order only as another type, with that type."""
        return {}

    def settled(self) -> Sequence[str]:
        """Statements before a person's own: that bare names are tables of the dataset."""
        return ()

    def evolve(self, table: Table) -> None:
        existing = self.columns(table.name)
        types = {name: self.type_name(column) for name, column in table.typed_columns().items()}
        if not existing:
            self.run(create_table(self.named(table.name), table, types))
            return
        for name, type_name in types.items():
            if name not in existing:
                self._add_column(table, name, type_name)

    def _add_column(self, table: Table, name: str, type_name: str) -> None:
        parent = table.parent if name == ROOT_ID else None
        if parent is None and not table.columns[name].is_nullable and self.count(table.name):
            raise DestinationError(
                f"column '{name}' of table '{self.dataset}.{table.name}' may not be null, "
                "but rows exist that have no value for it",
                hint="Declare the column nullable, or load into a new dataset.",
            )
        self.run(add_column(self.named(table.name), name, type_name))
        if parent is not None:
            is_root = PARENT_ID not in self.columns(parent)
            names = self.named(table.name), self.named(parent)
            self.run(fill_root_ids(*names, parent_is_root=is_root))

    def load(
        self, family: Sequence[Table], rows: Mapping[str, pa.RecordBatchReader]
    ) -> dict[str, int]:
        root = family[0]
        how = merging(root)
        if how is not None:
            return self._merge(family, rows, how)
        if root.write_disposition == "replace":
            there = [Target(t, self.named(t.name)) for t in family if self.columns(t.name)]
            for statement in replace(there):
                self.run(statement)
        elif root.write_disposition == "merge":
            log.warning("'%s' has no key to merge by: its rows are added", root.name)
        return {t.name: self.ingest(t, rows[t.name]) for t in family if t.name in rows}

    def _merge(
        self, family: Sequence[Table], rows: Mapping[str, pa.RecordBatchReader], how: Merging
    ) -> dict[str, int]:
        loaded: dict[str, int] = {}
        targets = []
        for number, table in enumerate(family):
            if not self.columns(table.name):
                continue
            stage, reader = f"odp_stage_{number}", rows.get(table.name)
            if reader is None:
                targets.append(Target(table, self.named(table.name)))
                continue
            columns = tuple(name for name in reader.schema.names if name not in STAGED)
            loaded[table.name] = self.stage(stage, reader)
            casts, sorts = self.casts(table), self.sorts(table)
            targets.append(Target(table, self.named(table.name), stage, columns, casts, sorts))
        for statement in self._statements(targets, how):
            self.run(statement)
        for target in targets:
            if target.stage is not None:
                self.run(f"DROP TABLE {target.stage}")
        return loaded

    def _statements(self, targets: Sequence[Target], how: Merging) -> list[str]:
        if not targets:
            return []
        if how.strategy != SCD2:
            return merge(targets, how)
        root = targets[0].table
        until = active_until(root)
        end = "NULL" if until is None else self.moment(until)
        return scd2(targets, how, self.moment(boundary(root)), end)

    def read(
        self, table: str, *, where: Mapping[str, str] | None = None, newest_by: str | None = None
    ) -> pa.Table:
        if not self.columns(table):
            return pa.table({})
        where = where or {}
        return self.query(newest(self.named(table), where, newest_by), list(where.values()))

    def count(self, table: str) -> int:
        rows = self.query(f"SELECT count(*) FROM {self.named(table)}")
        return int(rows.column(0)[0].as_py())

    def drop(self, table: str) -> None:
        self.run(f"DROP TABLE IF EXISTS {self.named(table)}")

    def remove(self, table: str, where: Mapping[str, str] | None = None) -> None:
        if self.columns(table):
            self.run(delete(self.named(table), where or {}))

    def remove_loads(self, family: Sequence[Table], load_ids: Sequence[str]) -> int:
        root, columns = family[0], self.columns(family[0].name)
        if not columns:
            return 0
        if LOAD_ID not in columns:
            raise DestinationError(
                f"the rows of '{self.dataset}.{root.name}' do not tell which load brought them, "
                "so what a partition loaded before cannot be replaced",
                hint="Let them: `add_dlt_load_id = true` under [normalize.parquet_normalizer]; "
                "or add to them: `run_params: {rerun: append}`.",
            )
        there = [Target(t, self.named(t.name)) for t in family if self.columns(t.name)]
        rows = f"SELECT count(*) FROM {self.named(root.name)} WHERE {brought_by(load_ids)}"
        gone = int(self.query(rows).column(0)[0].as_py())
        for statement in delete_loads(there, load_ids):
            self.run(statement)
        return gone

    def select(self, sql: str) -> pa.Table:
        for statement in self.settled():
            self.run(statement)
        return self.query(sql)
