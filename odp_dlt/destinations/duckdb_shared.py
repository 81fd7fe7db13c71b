"""DuckDB databases that are no file: one in the memory of this process, or one of MotherDuck's."""

import atexit
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import StringConstraints

from odp_dlt.destinations.statements import qualified
from odp_dlt.destinations.waiting import Held, waited
from odp_dlt.errors import DestinationError

if TYPE_CHECKING:  # the driver is imported by the first connection: definitions need none
    from duckdb import DuckDBPyConnection

MEMORY, MOTHERDUCK = ":memory:", "md:"
TURN = "_odp_turn"
"""The table of one row that every load into a dataset of MotherDuck changes: one at a time can."""

SharedName = Annotated[str, StringConstraints(pattern=f"^({MEMORY}|{MOTHERDUCK})")]
"""`:memory:`, `:memory:NAME` or `md:NAME`."""

_NAME = re.compile(rf"{MOTHERDUCK}[\w-]+")


def checked_name(database: object) -> object:
    """`database`; ValueError for one of MotherDuck's without a name, or with more than that."""
    if isinstance(database, str) and database.startswith(MOTHERDUCK):
        if "token" in database.lower():
            raise ValueError("a database holds no token; set MOTHERDUCK_TOKEN")
        if not _NAME.fullmatch(database) and "{{" not in database:
            raise ValueError("a database of MotherDuck is written md:NAME")
    return database


@dataclass(frozen=True)
class _Kept:
    """A database in memory: `con` keeps it alive and runs nothing, `writers` lets in one load."""

    con: "DuckDBPyConnection"
    writers: Lock = field(default_factory=Lock)


class _InMemory:
    """The databases that this process has in memory, until it ends."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[str, _Kept] = {}

    def __getitem__(self, name: str) -> _Kept:
        import duckdb

        with self._lock:
            if not self._kept:
                atexit.register(self._kept.clear)  # while the driver is still there to close them
            if name not in self._kept:
                self._kept[name] = _Kept(duckdb.connect(name))
            return self._kept[name]

    def session(self, kept: _Kept) -> "DuckDBPyConnection":
        """A connection of its own, which sees what is committed and nothing of other sessions."""
        with self._lock:
            return kept.con.cursor()


_IN_MEMORY = _InMemory()  # a part of the process, as the databases are


@contextmanager
def in_memory(name: str, *, write: bool, wait_s: float) -> Iterator["DuckDBPyConnection"]:
    """A transaction on the database in memory `name`, which lives as long as the process.

    Loads of all threads queue, for up to `wait_s` seconds, then DestinationBusy. Who reads waits
    for nobody, sees the last commit, and can write nothing.
    """
    kept = _IN_MEMORY[name]

    def take() -> None:
        if not kept.writers.acquire(blocking=False):
            raise Held("another load")

    if write:
        waited(take, name, wait_s)
    try:
        con = _IN_MEMORY.session(kept)
        try:
            con.execute("BEGIN" if write else "BEGIN TRANSACTION READ ONLY")
            yield con
        finally:
            con.close()  # which rolls back what was not committed
    finally:
        if write:
            kept.writers.release()


def motherduck_settings(token: str | None) -> dict[str, Any]:
    """The settings of a connection to MotherDuck.

    Without a `token` MotherDuck's extension looks for MOTHERDUCK_TOKEN itself.
    """
    return {"custom_user_agent": "odp_dlt"} | ({"motherduck_token": token} if token else {})


@contextmanager
def motherduck(
    database: str, token: str | None, dataset: str, *, write: bool, wait_s: float, **more: Any
) -> Iterator["DuckDBPyConnection"]:
    """A transaction on MotherDuck's `database`; `more` are further settings of DuckDB.

    Loads of one dataset queue, for up to `wait_s` seconds, then DestinationBusy. DestinationError
    if the service cannot be reached or does not know the token.
    """
    con = _motherduck(database, {**motherduck_settings(token), **more}, token)
    try:
        if write:
            take_turn(con, dataset, wait_s)
        else:
            con.execute("BEGIN TRANSACTION READ ONLY")
        yield con
    finally:
        con.close()


def _motherduck(address: str, config: Mapping[str, Any], token: str | None) -> "DuckDBPyConnection":
    import duckdb

    try:
        return duckdb.connect(address, config=dict(config))
    except duckdb.Error as e:
        text = " ".join(str(e).split())
        text = text.replace(token, "***") if token else text
        if "extension" in text:
            raise DestinationError(
                f"DuckDB cannot load its extension for MotherDuck: {text}",
                at=address,
                hint="It is fetched once from extensions.duckdb.org; allow that, or install it "
                "beforehand: INSTALL motherduck.",
            ) from e
        raise DestinationError(
            f"MotherDuck refused: {text}",
            at=address,
            hint="Check MOTHERDUCK_TOKEN, and whether there is such a database.",
        ) from e


def take_turn(con: "DuckDBPyConnection", dataset: str, wait_s: float) -> None:
    """Begin a transaction on `con` that no other load into `dataset` can run beside.

    MotherDuck lets loads run beside each other, and appends of two would both count. So each
    changes one row first, which only one transaction at a time can. DestinationBusy after `wait_s`.
    """
    import duckdb

    table = qualified(dataset, TURN)

    def attempt() -> None:
        try:
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {qualified(dataset)}")
            con.execute(f"CREATE TABLE IF NOT EXISTS {table} (turn BIGINT)")
            con.execute(f"INSERT INTO {table} SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM {table})")
        except duckdb.TransactionException as e:
            raise Held("another load") from e
        con.execute("BEGIN")
        try:
            con.execute(f"UPDATE {table} SET turn = turn + 1")
        except duckdb.TransactionException as e:
            con.execute("ROLLBACK")
            raise Held("another load") from e

    waited(attempt, dataset, wait_s)
