"""DuckDB in memory, and MotherDuck as far as it goes without the service."""

import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import ValidationError

from odp_dlt import dlt
from odp_dlt.destinations.duckdb import Duckdb
from odp_dlt.destinations.duckdb_shared import motherduck, motherduck_settings, take_turn
from odp_dlt.errors import ConfigError, DestinationBusy, DestinationError
from odp_dlt.pipeline.pipeline import Pipeline
from odp_dlt.settings import Settings

TOKEN = "a-secret-token"


def in_memory(folder: Path, name: str | None = None, wait_s: float = 60.0) -> Pipeline:
    database = f":memory:{name or secrets.token_hex(6)}"
    return Pipeline(
        "shop",
        Duckdb(database=database, wait_s=wait_s),
        "data",
        Settings.from_folder(folder, {}),
        work_dir=folder / "packages",
    )


def count(pipeline: Pipeline) -> int:
    found = pipeline.dataset().query("SELECT count(*) FROM orders").fetchscalar()
    assert isinstance(found, int)
    return found


def test_a_database_in_memory_is_there_for_every_later_session(tmp_path: Path) -> None:
    name = secrets.token_hex(6)
    for _ in range(2):
        in_memory(tmp_path, name).run([{"id": 1, "tags": ["a"]}], table_name="orders")
    assert count(in_memory(tmp_path, name)) == 2
    with duckdb.connect(f":memory:{name}") as con:
        assert con.sql("SELECT value FROM data.orders__tags").fetchall() == [("a",), ("a",)]
    assert in_memory(tmp_path).dataset().destination != in_memory(tmp_path, name).destination


def test_scripts_share_a_database_in_memory_by_the_name_of_the_pipeline() -> None:
    def made(pipeline: str, database: str = ":memory:") -> str:
        destination = dlt.destinations.duckdb(database)
        return dlt.pipeline(pipeline, destination=destination).destination.location()

    assert made("shop") == ":memory:shop" != made("other")
    assert made("shop", ":memory:own") == ":memory:own"


def test_loads_of_many_threads_into_memory_end_as_one_after_another(tmp_path: Path) -> None:
    name, start = secrets.token_hex(6), threading.Barrier(4)

    def load(part: int) -> None:
        start.wait()
        pipeline = in_memory(tmp_path, name)
        rows = [{"id": n, "part": part, "tags": [n]} for n in range(500)]
        how: Any = {"write_disposition": "merge", "primary_key": ["id", "part"]}
        for _ in range(2):
            pipeline.run(dlt.resource(rows, name="orders", **how))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(load, range(4)))
    pipeline = in_memory(tmp_path, name)
    assert count(pipeline) == 2000
    tags = "SELECT count(*) FROM orders__tags JOIN orders ON orders._dlt_id = _dlt_parent_id"
    assert pipeline.dataset().query(tags).fetchscalar() == 2000
    assert len(pipeline.dataset().load_ids()) == 8


def test_a_load_that_fails_leaves_nothing_in_memory_and_lets_the_next_one_in(
    tmp_path: Path,
) -> None:
    pipeline = in_memory(tmp_path, wait_s=1.0)
    pipeline.run([{"id": 1}], table_name="orders")
    with (
        pytest.raises(ZeroDivisionError),
        pipeline.destination.open("data") as session,
    ):
        session.remove("orders")
        raise ZeroDivisionError
    assert count(pipeline) == 1
    pipeline.run([{"id": 2}], table_name="orders")
    assert count(pipeline) == 2


def test_a_load_into_memory_waits_for_another_only_for_so_long(tmp_path: Path) -> None:
    pipeline = in_memory(tmp_path, wait_s=0.2)
    with (
        pipeline.destination.open("data"),
        pytest.raises(DestinationBusy, match="is still held by another load after 0 s"),
        pipeline.destination.open("data"),
    ):
        pass


@pytest.mark.parametrize(
    "sql",
    ["DROP TABLE orders", "COMMIT; DROP TABLE orders", "INSERT INTO orders (id) VALUES (7)"],
)
def test_who_reads_a_database_in_memory_writes_nothing(tmp_path: Path, sql: str) -> None:
    pipeline = in_memory(tmp_path)
    pipeline.run([{"id": 1}], table_name="orders")
    with (
        pipeline.destination.open("data", write=False) as session,
        pytest.raises(DestinationError, match=r"read-only mode|a SELECT is one statement"),
    ):
        session.select(sql)
    assert count(pipeline) == 1


def test_a_reader_beside_a_load_into_memory_sees_the_last_commit(tmp_path: Path) -> None:
    pipeline = in_memory(tmp_path)
    pipeline.run([{"id": 1}], table_name="orders")
    seen = []
    with pipeline.destination.open("data") as session:
        session.remove("orders")
        seen.append(count(pipeline))
    assert [*seen, count(pipeline)] == [1, 0]


def test_the_token_of_motherduck_comes_from_the_settings_and_is_never_shown(
    tmp_path: Path,
) -> None:
    def token(made: Duckdb, **environ: str) -> str | None:
        known = made.with_settings(Settings.from_folder(tmp_path, environ))
        assert TOKEN not in repr(known) + known.location()
        return known.token.get_secret_value() if known.token is not None else None

    duck = Duckdb.model_validate({"database": "md:shop"})
    environ = {"DESTINATION__MOTHERDUCK__CREDENTIALS__PASSWORD": TOKEN}
    assert token(duck, **environ) == TOKEN
    assert token(duck) is None
    assert token(Duckdb(database=tmp_path / "x.duckdb"), **environ) is None
    assert duck.location() == "md:shop"
    assert (duck.address("data", "t"), duck.address("shop", "t")) == ("data.t", "shop.shop.t")
    assert motherduck_settings(TOKEN) == {
        "custom_user_agent": "odp_dlt",
        "motherduck_token": TOKEN,
    }
    assert motherduck_settings(None) == {"custom_user_agent": "odp_dlt"}


@pytest.mark.parametrize(
    ("database", "text"),
    [
        ("md:", "a database of MotherDuck is written md:NAME"),
        ("md:///shop", "a database of MotherDuck is written md:NAME"),
        (f"md:shop?motherduck_token={TOKEN}", "a database holds no token; set MOTHERDUCK_TOKEN"),
    ],
)
def test_what_is_no_name_at_motherduck_is_refused(database: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text) as e:
        dlt.destinations.duckdb(database)
    assert TOKEN not in str(e.value)
    with pytest.raises(ValidationError):
        Duckdb.model_validate({"database": database})


def test_motherduck_that_cannot_be_reached_says_what_is_missing(tmp_path: Path) -> None:
    unreachable: Any = {
        "extension_directory": str(tmp_path / "extensions"),
        "custom_extension_repository": "http://127.0.0.1:9",
    }
    with (
        pytest.raises(DestinationError) as e,
        motherduck("md:shop", TOKEN, "data", write=True, wait_s=1.0, **unreachable),
    ):
        pass
    text = str(e.value)
    assert text.startswith("md:shop: DuckDB cannot load its extension for MotherDuck: ")
    assert text.endswith("allow that, or install it beforehand: INSTALL motherduck.")
    assert TOKEN not in text


@pytest.fixture
def two_connections() -> Iterator[tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]]:
    """To one database, as two processes have them to MotherDuck."""
    with duckdb.connect(f":memory:{secrets.token_hex(6)}") as first, first.cursor() as second:
        yield first, second


def test_two_transactions_cannot_have_their_turn_at_once(
    two_connections: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection],
) -> None:
    first, second = two_connections
    take_turn(first, "data", 1.0)
    with pytest.raises(DestinationBusy, match="'data' is still held by another load"):
        take_turn(second, "data", 0.3)
    take_turn(second, "others", 1.0)
    second.execute("ROLLBACK")
    first.execute("COMMIT")
    take_turn(second, "data", 1.0)
    second.execute("COMMIT")
    assert first.sql("SELECT * FROM data._odp_turn").fetchall() == [(2,)]
