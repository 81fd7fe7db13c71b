"""Column, Table, Schema: what dlt's schema file says, as frozen values.

Names are normalized names. Mappings keep insertion order, and that order is meaningful: it is the
order of columns in the destination and part of the version hash.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

DataType = Literal[
    "text",
    "double",
    "bool",
    "timestamp",
    "bigint",
    "binary",
    "json",
    "decimal",
    "wei",
    "date",
    "time",
]
Disposition = Literal["append", "replace", "merge", "skip"]

DATA_TYPES: tuple[DataType, ...] = get_args(DataType)
DISPOSITIONS: tuple[Disposition, ...] = get_args(Disposition)

VERSION_TABLE = "_dlt_version"
LOADS_TABLE = "_dlt_loads"
STATE_TABLE = "_dlt_pipeline_state"
PARTITIONS_TABLE = "_odp_partitions"

ID = "_dlt_id"
LOAD_ID = "_dlt_load_id"
PARENT_ID = "_dlt_parent_id"
ROOT_ID = "_dlt_root_id"
LIST_IDX = "_dlt_list_idx"


@dataclass(frozen=True)
class Column:
    """One column. `nullable` None means that nobody said; it is then nullable.

    `hints` holds every other key of dlt's column (primary_key, unique, variant, x-…) verbatim.
    """

    name: str
    data_type: DataType | None = None
    nullable: bool | None = None
    precision: int | None = None
    scale: int | None = None
    timezone: bool | None = None
    description: str | None = None
    hints: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_nullable(self) -> bool:
        return self.nullable is not False

    def has(self, hint: str) -> bool:
        """Whether a yes-or-no hint such as `primary_key` is set."""
        return bool(self.hints.get(hint))


@dataclass(frozen=True)
class Table:
    """One table. Root tables carry `resource` and `write_disposition`, nested ones `parent`.

    `hints` holds every other key of dlt's table (schema_contract, references, x-…) verbatim;
    `max_nesting` and `seen_data` are the two that dlt keeps under `x-normalizer`.
    """

    name: str
    columns: Mapping[str, Column] = field(default_factory=dict)
    parent: str | None = None
    resource: str | None = None
    write_disposition: Disposition | None = None
    description: str | None = None
    max_nesting: int | None = None
    seen_data: bool = False
    hints: Mapping[str, Any] = field(default_factory=dict)

    def typed_columns(self) -> dict[str, Column]:
        """The columns that exist in a destination: those whose type is known."""
        return {name: column for name, column in self.columns.items() if column.data_type}

    def keys(self, hint: str) -> list[str]:
        """The names of the columns that carry a yes-or-no hint such as `primary_key`."""
        return [name for name, column in self.columns.items() if column.has(hint)]

    def with_columns(self, columns: Sequence[Column]) -> "Table":
        """This table with `columns` replaced by name, or added at the end, in their order."""
        merged = dict(self.columns)
        merged.update({column.name: column for column in columns})
        return replace(self, columns=merged)


@dataclass(frozen=True)
class Schema:
    """The tables of one source, and how its names are normalized.

    `naming` is the name of the naming convention; `settings` and `normalizers` are dlt's sections,
    verbatim. `version` 0 with no hash is a schema that was never stored.
    """

    name: str
    tables: Mapping[str, Table] = field(default_factory=dict)
    version: int = 0
    version_hash: str = ""
    previous_hashes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    normalizers: Mapping[str, Any] = field(default_factory=dict)
    description: str | None = None

    @property
    def naming(self) -> str:
        return str(self.normalizers.get("names", "snake_case"))

    @property
    def max_nesting(self) -> int | None:
        config: Mapping[str, Any] = self.normalizers.get("json", {}).get("config", {})
        return config.get("max_nesting")

    def with_tables(self, tables: Sequence[Table]) -> "Schema":
        """This schema with `tables` replaced by name, or added at the end, in their order."""
        merged = dict(self.tables)
        merged.update({table.name: table for table in tables})
        return replace(self, tables=merged)

    def data_tables(self) -> list[Table]:
        """All tables but dlt's own."""
        return [table for table in self.tables.values() if not table.name.startswith("_dlt_")]

    def root_of(self, name: str) -> Table:
        """The root table that the table `name` is nested in, or that table itself."""
        table = self.tables[name]
        while table.parent is not None:
            table = self.tables[table.parent]
        return table

    def family(self, root: str) -> list[Table]:
        """The table `root` and all tables nested in it, each after its parent."""
        return list(self._descend(self.tables[root]))

    def tables_of(self, resource: str) -> list[Table]:
        """The families of all root tables that `resource` loads, by the schema's own links."""
        roots = [t.name for t in self.tables.values() if t.resource == resource and not t.parent]
        return [table for root in roots for table in self.family(root)]

    def _descend(self, table: Table) -> Iterator[Table]:
        yield table
        for child in self.tables.values():
            if child.parent == table.name:
                yield from self._descend(child)
