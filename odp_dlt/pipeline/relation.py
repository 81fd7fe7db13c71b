"""Rows of a dataset to be read: a table or a SELECT, narrowed down step by step."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pyarrow as pa

from odp_dlt.destinations.statements import literal, quoted
from odp_dlt.errors import ConfigError
from odp_dlt.pipeline.offered import not_offered
from odp_dlt.registry import nearest

if TYPE_CHECKING:  # it is not needed before somebody asks for it
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

Row = tuple[Any, ...]

_OPERATORS = {
    "eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=",
    "in": "IN", "not_in": "NOT IN",
}  # fmt: skip
_ABSENT = frozenset({"columns_schema", "from_loads", "ibis", "incremental", "join", "to_ibis"})


class Place(Protocol):
    """Who is asked for rows."""

    def select(self, sql: str) -> pa.Table:
        """The rows of one SELECT."""

    def batches(self, sql: str, rows: int) -> Iterator[pa.RecordBatch]:
        """As `select`, about `rows` at a time, read as they are taken."""


@dataclass(frozen=True)
class Relation:
    """Rows to be read: a table or a SELECT, narrowed down. Each reading asks the destination.

    `place` is asked; `to_sql` says what. A condition or an order that comes after a limit
    applies to the rows that the limit has left.
    """

    place: Place
    source: str
    chosen: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    most: int | None = None
    verbatim: str | None = None

    def select(self, *columns: str) -> "Relation":
        """Only these columns, in this order."""
        return replace(self, chosen=columns, verbatim=None)

    def where(
        self, column_or_expr: str, operator: str | None = None, value: Any = None
    ) -> "Relation":
        """Only rows for which a condition in SQL holds, or whose column compares with `value`.

        `operator` is eq, ne, gt, gte, lt, lte, in or not_in.
        """
        condition = column_or_expr
        if operator is not None:
            if operator not in _OPERATORS:
                raise ConfigError(
                    f"there is no operator '{operator}'", hint=nearest(operator, _OPERATORS)
                )
            condition = f"{quoted(column_or_expr)} {_OPERATORS[operator]} {sql_value(value)}"
        whole = self._whole()
        return replace(whole, conditions=(*whole.conditions, f"({condition})"), verbatim=None)

    filter = where

    def order_by(self, column_name: str, direction: Literal["asc", "desc"] = "asc") -> "Relation":
        """In the order of a column, after the orders that were said before."""
        if direction not in ("asc", "desc"):
            raise ConfigError(f"there is no order '{direction}'", hint="Known: asc, desc.")
        whole = self._whole()
        order = f"{quoted(column_name)} {direction.upper()}"
        return replace(whole, orders=(*whole.orders, order), verbatim=None)

    def limit(self, limit: int) -> "Relation":
        """At most so many rows."""
        most = limit if self.most is None else min(limit, self.most)
        return replace(self, most=most, verbatim=None)

    def head(self, limit: int = 5) -> "Relation":
        """The first rows; which these are is not certain without an order."""
        return self.limit(limit)

    def min(self) -> "Relation":
        """The least value of the one column that was selected."""
        return self._aggregate("min")

    def max(self) -> "Relation":
        """The greatest value of the one column that was selected."""
        return self._aggregate("max")

    def to_sql(self) -> str:
        """The SELECT that is asked, in which bare names are tables of the dataset."""
        if self.verbatim is not None:
            return self.verbatim
        sql = f"SELECT {', '.join(map(quoted, self.chosen)) or '*'} FROM {self.source}"
        if self.conditions:
            sql += f" WHERE {' AND '.join(self.conditions)}"
        if self.orders:
            sql += f" ORDER BY {', '.join(self.orders)}"
        return sql if self.most is None else f"{sql} LIMIT {int(self.most)}"

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        names: list[str] = self.limit(0).arrow().column_names
        return names

    def arrow(self) -> pa.Table:
        """The rows as Arrow."""
        return self.place.select(self.to_sql())

    def df(self) -> Any:
        """The rows as a pandas DataFrame. ConfigError if pandas is not installed."""
        return _pandas(self.arrow())

    def duckdb(self, connection: "DuckDBPyConnection | None" = None) -> "DuckDBPyRelation":
        """The rows as a relation of DuckDB, whatever the destination is."""
        import duckdb

        return duckdb.from_arrow(self.arrow(), connection=connection or duckdb.default_connection())

    def fetchall(self) -> list[Row]:
        """The rows as tuples."""
        return tuples(self.arrow())

    def fetchmany(self, size: int) -> list[Row]:
        """The first rows as tuples."""
        return self.limit(size).fetchall()

    def fetchone(self) -> Row | None:
        """The first row; None if there is none."""
        found = self.fetchmany(1)
        return found[0] if found else None

    def fetchscalar(self) -> Any:
        """The first value of the first row; None if there is none."""
        row = self.fetchone()
        return None if row is None else row[0]

    def iter_arrow(self, chunk_size: int) -> Iterator[pa.Table]:
        """The rows in parts of `chunk_size`, read as they are taken: memory holds about one part.

        The destination is held until the last part, or until the iterator is closed: loads into a
        DuckDB file wait for that. ConfigError if a part would have no rows.
        """
        if chunk_size < 1:
            raise ConfigError(f"parts of {chunk_size} rows have no rows", hint="Say 1 or more.")
        return _parts(self.place.batches(self.to_sql(), chunk_size), chunk_size)

    def iter_df(self, chunk_size: int) -> Iterator[Any]:
        """As `iter_arrow`, for pandas."""
        return map(_pandas, self.iter_arrow(chunk_size))

    def iter_fetch(self, chunk_size: int) -> Iterator[list[Row]]:
        """As `iter_arrow`, with rows as tuples."""
        return map(tuples, self.iter_arrow(chunk_size))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """What lets Polars, DuckDB and others take a relation for a table."""
        return self.arrow().__arrow_c_stream__(requested_schema)

    def __getitem__(self, columns: str | Sequence[str]) -> "Relation":
        return self.select(*([columns] if isinstance(columns, str) else columns))

    def __getattr__(self, name: str) -> Any:
        """AttributeError, which says so for what dlt has and this has not."""
        if name in _ABSENT:
            raise not_offered(f"Relation.{name}")
        raise AttributeError(name)

    def _whole(self) -> "Relation":
        """This, to be narrowed down: what a limit left is then a source."""
        if self.most is None:
            return self
        left = replace(self, chosen=(), verbatim=None).to_sql()
        return Relation(self.place, f"({left}) AS r", self.chosen, orders=self.orders)

    def _aggregate(self, function: str) -> "Relation":
        columns = self.chosen or tuple(self.columns)
        if len(columns) != 1:
            raise ConfigError(
                f"{function}() needs one column, here are {len(columns)}",
                hint=f'Choose it first: relation["…"].{function}().',
            )
        name = quoted(columns[0])
        sql = f"SELECT {function}({name}) AS {name} FROM ({self.to_sql()}) AS r"
        return select(self.place, sql)


def select(place: Place, sql: str) -> Relation:
    """The rows of a SELECT, which is asked as it is as long as nothing narrows it down."""
    return Relation(place, f"({sql.strip().rstrip(';')}) AS q", verbatim=sql)


def _parts(batches: Iterator[pa.RecordBatch], size: int) -> Iterator[pa.Table]:
    """`batches` put together and cut into tables of `size` rows; the last may have fewer."""
    held: list[pa.RecordBatch] = []
    for arrived in batches:
        rest, missing = arrived, size - sum(batch.num_rows for batch in held)
        while rest.num_rows >= missing:
            yield pa.Table.from_batches([*held, rest.slice(0, missing)])
            rest, held, missing = rest.slice(missing), [], size
        if rest.num_rows:
            held.append(rest)
    if held:
        yield pa.Table.from_batches(held)


def tuples(rows: pa.Table) -> list[Row]:
    """Rows as tuples of Python's values."""
    if not rows.num_columns:
        return []
    return list(zip(*(column.to_pylist() for column in rows.columns), strict=True))


_SPELLINGS: tuple[tuple[tuple[type, ...], Callable[[Any], str]], ...] = (
    ((type(None),), lambda _: "NULL"),
    ((bool,), lambda v: "TRUE" if v else "FALSE"),
    ((int, float, Decimal), str),
    ((str,), literal),
    ((datetime,), lambda v: literal(v.isoformat(" "))),
    ((date, time), lambda v: literal(v.isoformat())),
    ((list, tuple, set, frozenset), lambda v: f"({', '.join(map(sql_value, v))})"),
)


def sql_value(value: Any) -> str:
    """`value` as every database spells it. ConfigError for a class that has no spelling."""
    for kinds, spelled in _SPELLINGS:
        if isinstance(value, kinds):
            return spelled(value)
    raise ConfigError(f"a {type(value).__name__} is no value for SQL", hint="Write it as text.")


def _pandas(rows: pa.Table) -> Any:
    try:
        return rows.to_pandas()
    except ModuleNotFoundError as e:
        raise ConfigError(
            "pandas is not installed", hint="Install it: pip install pandas. Or use .arrow()."
        ) from e
