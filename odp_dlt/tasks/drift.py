"""What a load met that the schema file does not have: tables and columns that are no assets yet."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from odp_dlt.pipeline.info import LoadInfo
from odp_dlt.schema.model import Column, Schema, Table

_OWN = "_dlt_"


@dataclass(frozen=True)
class Drift:
    """The tables and columns of one resource that the schema file lacks, as they were loaded.

    `added` are those that this load was the first to bring, whether the file has them or not; it is
    empty for the first load of all, which brings everything.
    """

    tables: tuple[Table, ...] = ()
    columns: Mapping[str, tuple[Column, ...]] = field(default_factory=dict)
    added: frozenset[str] = frozenset()

    @classmethod
    def of(cls, info: LoadInfo, file: Schema) -> "Drift":
        """What `info` says was loaded and `file` does not have."""
        loaded = [info.schema.tables[name] for name in info.tables]
        lacking = {
            table.name: tuple(_lacking(table, file.tables[table.name]))
            for table in loaded
            if table.name in file.tables
        }
        return cls(
            tuple(table for table in loaded if table.name not in file.tables),
            {name: columns for name, columns in lacking.items() if columns},
            frozenset() if info.first_run else frozenset(_added(info)),
        )

    @property
    def new_tables(self) -> str:
        """The names of the tables that the file lacks, for a person."""
        return ", ".join(table.name for table in self.tables)

    @property
    def new_columns(self) -> str:
        """The names of the columns that the file lacks, as `table.column`."""
        return ", ".join(f"{t}.{c.name}" for t, columns in self.columns.items() for c in columns)

    def __bool__(self) -> bool:
        return bool(self.tables or self.columns)

    def told(self, asset_key: str) -> str:
        """One line: what the file lacks, and the command that accepts it."""
        parts = [("table", self.new_tables), ("column", self.new_columns)]
        said = " and ".join(f"{what} {names}" for what, names in parts if names)
        return f"the schema file lacks {said}: {accept(asset_key)}"

    def markdown(self, schema: Schema, names: Sequence[str]) -> str | None:
        """A table of what is new: to the destination by this load, or to the file.

        None if nothing is.
        """
        rows = [row for name in names for row in self._rows(schema.tables[name])]
        if not rows:
            return None
        head = ["| table | column | type | schema file |", "|---|---|---|---|"]
        return "\n".join([*head, *rows])

    def _rows(self, table: Table) -> Iterator[str]:
        is_new = any(table.name == one.name for one in self.tables)
        lacking = {column.name for column in self.columns.get(table.name, ())}
        for column in table.typed_columns().values():
            in_file = not is_new and column.name not in lacking
            if column.name.startswith(_OWN):
                continue
            if not in_file or f"{table.name}.{column.name}" in self.added:
                word = "has it" if in_file else "lacks it"
                yield f"| {table.name} | {column.name} | {column.data_type} | {word} |"


def accept(asset_key: str) -> str:
    """The command that writes what is new into the schema file."""
    return f"odp schema export {asset_key}"


def _lacking(loaded: Table, in_file: Table) -> Iterator[Column]:
    known = in_file.typed_columns()
    for name, column in loaded.typed_columns().items():
        if name not in known and not name.startswith(_OWN):
            yield column


def _added(info: LoadInfo) -> Iterator[str]:
    update = info.package.schema_update if info.package is not None else {}
    for table, said in update.items():
        yield from (f"{table}.{column}" for column in said["columns"])
