"""SQL as text: names, and the statements that every database understands alike."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from odp_dlt.schema.merging import ROW
from odp_dlt.schema.model import ID, LOAD_ID, PARENT_ID, ROOT_ID, Table

KEPT = "odp_kept"
"""The temporary table of the places (`ROW`) of the root rows that are to be inserted."""


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def qualified(*names: str) -> str:
    """`catalog.dataset.table`, or as much of it as is given, as SQL identifiers."""
    return ".".join(map(quoted, names))


def literal(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True)
class Target:
    """A table of the destination under its SQL name, and the temporary table its rows wait in.

    `stage` None means that there are none for it. `columns` are those to be inserted; `casts`
    names the types of those that the database does not convert by itself, `sorts` those as which
    it must see columns to put them in order.
    """

    table: Table
    name: str
    stage: str | None = None
    columns: tuple[str, ...] = ()
    casts: Mapping[str, str] = field(default_factory=dict)
    sorts: Mapping[str, str] = field(default_factory=dict)

    def value(self, column: str) -> str:
        """The SQL expression for a staged column, where the stage is called `s`."""
        found = f"s.{quoted(column)}"
        return f"CAST({found} AS {self.casts[column]})" if column in self.casts else found


def create_table(name: str, table: Table, types: Mapping[str, str]) -> str:
    """CREATE TABLE for the typed columns of `table`, in their order."""
    columns = ", ".join(
        f"{quoted(name)} {types[name]}{'' if column.is_nullable else ' NOT NULL'}"
        for name, column in table.typed_columns().items()
    )
    return f"CREATE TABLE {name} ({columns})"


def add_column(name: str, column: str, type_name: str) -> str:
    """ALTER TABLE for one new column; nullable, as the rows that exist have no value for it."""
    return f"ALTER TABLE {name} ADD COLUMN {quoted(column)} {type_name}"


def newest(name: str, where: Mapping[str, str], newest_by: str | None) -> str:
    """SELECT of rows by equality, with `$1`, `$2` … for the values of `where`, in its order."""
    conditions = " AND ".join(f"{quoted(c)} = ${n}" for n, c in enumerate(where, 1))
    sql = f"SELECT * FROM {name}"
    if conditions:
        sql += f" WHERE {conditions}"
    if newest_by:
        sql += f" ORDER BY {quoted(newest_by)} DESC LIMIT 1"
    return sql


def delete(name: str, where: Mapping[str, str]) -> str:
    """DELETE of rows by equality with texts; of all, if `where` is empty."""
    conditions = " AND ".join(f"{quoted(c)} = {literal(value)}" for c, value in where.items())
    return f"DELETE FROM {name}{f' WHERE {conditions}' if conditions else ''}"


def brought_by(load_ids: Sequence[str]) -> str:
    """The condition that a root row came with one of these loads."""
    return f"{quoted(LOAD_ID)} IN ({', '.join(map(literal, load_ids))})"


def delete_loads(family: Sequence[Target], load_ids: Sequence[str]) -> list[str]:
    """DELETEs of the root rows that these loads brought and of all nested in them, deepest first.

    Nested rows are found by their parents: they tell no load of their own.
    """
    root, *nested = family
    gone = {root.table.name: (root.name, brought_by(load_ids))}
    for target in nested:
        parent, condition = gone[str(target.table.parent)]
        parents = f"SELECT {quoted(ID)} FROM {parent} WHERE {condition}"
        gone[target.table.name] = (target.name, f"{quoted(PARENT_ID)} IN ({parents})")
    return [f"DELETE FROM {name} WHERE {rows}" for name, rows in reversed(gone.values())]


def fill_root_ids(child: str, parent: str, *, parent_is_root: bool) -> str:
    """UPDATE that gives rows nested in `parent` the id of their root row, where they lack it."""
    root = f"p.{quoted(ID if parent_is_root else ROOT_ID)}"
    return (
        f"UPDATE {child} AS c SET {quoted(ROOT_ID)} = {root} FROM {parent} AS p "
        f"WHERE p.{quoted(ID)} = c.{quoted(PARENT_ID)} AND c.{quoted(ROOT_ID)} IS NULL"
    )


def same(left: str, right: str, columns: Iterable[str]) -> str:
    """The condition that two rows are equal in all of `columns`."""
    return " AND ".join(f"{left}.{quoted(c)} = {right}.{quoted(c)}" for c in columns)


def among(row: str, columns: Sequence[str], source: str) -> str:
    """The condition that `row` has the values of a row of `source` in all of `columns`.

    IN, not EXISTS: SQLite looks through the whole of `source` for each row where it can do so.
    """
    own, others = (", ".join(f"{name}.{quoted(c)}" for c in columns) for name in (row, "o"))
    own = f"({own})" if len(columns) > 1 else own
    return f"{own} IN (SELECT {others} FROM {source} AS o)"


def unmatched(source: str, on: Mapping[str, str], alias: str) -> tuple[str, str]:
    """The join, and the condition after it, that leave only rows that `source` has none for.

    `on` is column of `source` → SQL expression. Databases hash such a join; of NOT IN and NOT
    EXISTS each is slow in one of them.
    """
    equal = " AND ".join(f"{alias}.{quoted(c)} = {value}" for c, value in on.items())
    return f" LEFT JOIN {source} AS {alias} ON {equal}", f"{alias}.{quoted(next(iter(on)))} IS NULL"


def insert_kept(
    target: Target,
    kept: str,
    *,
    given: Mapping[str, str] | None = None,
    absent_by: str | None = None,
) -> str:
    """INSERT of the staged rows whose root row is in the table `kept`.

    `given` are SQL values of columns that are not the stage's; rows that are there already by the
    column `absent_by` are left out.
    """
    given, join, absent = given or {}, "", ""
    if absent_by is not None:
        on = {absent_by: f"s.{quoted(absent_by)}"}
        join, condition = unmatched(target.name, on, "d")
        absent = f" AND {condition}"
    columns = [c for c in target.columns if c not in given]
    names = ", ".join(quoted(c) for c in (*columns, *given))
    values = ", ".join((*map(target.value, columns), *given.values()))
    return (
        f"INSERT INTO {target.name} ({names}) SELECT {values} FROM {target.stage} AS s{join} "
        f"WHERE {among('s', [ROW], kept)}{absent}"
    )
