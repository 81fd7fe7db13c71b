"""SQL on a pipeline's dataset: `with pipeline.sql_client() as client: client.execute_sql(…)`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from odp_dlt.destinations.base import Destination
from odp_dlt.destinations.sql import SqlSession
from odp_dlt.errors import ConfigError
from odp_dlt.pipeline.dataset import Dataset
from odp_dlt.pipeline.offered import not_offered
from odp_dlt.pipeline.relation import Relation, Row, sql_value, tuples

_READS = re.compile(r"\s*(?:--[^\n]*\n\s*)*\(*\s*(select|with|from|values|show|describe)\b", re.I)
_PLACE = re.compile(r"%([s%])")


@dataclass(frozen=True)
class SqlClient:
    """Each statement is a session of its own: one that reads can write nothing, any other commits.

    Bare names are tables of the dataset. In a statement with arguments `%s` stands for them, one
    after the other, and `%%` for `%`.
    """

    destination: Destination
    dataset_name: str

    def execute_sql(self, sql: str, *args: Any) -> list[Row] | None:
        """The rows of a SELECT as tuples; None for any other statement, which is committed."""
        statement = _filled(sql, args)
        if _READS.match(statement):
            with self.destination.open(self.dataset_name, write=False) as session:
                return tuples(session.select(statement))
        with self.destination.open(self.dataset_name) as session:
            if not isinstance(session, SqlSession):
                raise ConfigError(
                    f"{self.destination.name} has no SQL that writes",
                    hint="Load with pipeline.run(…).",
                )
            for each in (*session.settled(), statement):
                session.run(each)
        return None

    @contextmanager
    def execute_query(self, sql: str, *args: Any) -> Iterator[Relation]:
        """The rows of a SELECT, to be fetched inside the `with`."""
        yield Dataset(self.destination, self.dataset_name).query(_filled(sql, args))

    def make_qualified_table_name(self, table_name: str) -> str:
        """How a statement names `table_name`."""
        with self.destination.open(self.dataset_name, write=False) as session:
            return session.named(table_name)

    def __enter__(self) -> "SqlClient":
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing is open between statements."""

    def __getattr__(self, name: str) -> Any:
        """AttributeError, which says that dlt's is not offered."""
        if name.startswith("_"):
            raise AttributeError(name)
        raise not_offered(f"sql_client().{name}")


def _filled(sql: str, args: tuple[Any, ...]) -> str:
    if not args:
        return sql
    left = iter(args)
    try:
        filled = _PLACE.sub(lambda m: "%" if m[1] == "%" else sql_value(next(left)), sql)
    except StopIteration as e:
        raise ConfigError("a statement has more %s than arguments", at=sql) from e
    if next(left, args) is not args:
        raise ConfigError("a statement has fewer %s than arguments", at=sql)
    return filled
