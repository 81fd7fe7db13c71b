"""What databases hold of every type, and where each has its own limits."""

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import SecretStr

from odp_dlt.destinations.postgres import Postgres
from odp_dlt.destinations.sqlite import Sqlite
from odp_dlt.errors import ConfigError, DestinationBusy, DestinationError, SourceError
from odp_dlt.schema.model import Column, Table
from odp_dlt.settings import Settings
from tests.destinations.places import Place, Server, file_place

ROW = {
    "id": 1,
    "txt": "é'\"\\ line\nbreak",
    "flt": 0.1,
    "yes": True,
    "at": datetime(2024, 1, 31, 12, 30, 15, 123456, UTC),
    "day": date(2024, 2, 29),
    "hour": time(23, 59, 58, 7),
    "dec": Decimal("12345678901234567890.123456789"),
    "raw": b"\x00\xff",
    "doc": {"a": [1, {"b": None}]},
    "big": 2**62,
}
HINTS: dict[str, Any] = {
    "doc": {"data_type": "json"},
    "narrow": {"data_type": "bigint", "precision": 16},
    "money": {"data_type": "decimal", "precision": 10, "scale": 2},
    "local": {"data_type": "timestamp", "timezone": False},
    "second": {"data_type": "timestamp", "precision": 0},
    "word": {"data_type": "text", "precision": 5},
    "wei": {"data_type": "wei"},
}
MORE = {
    "narrow": 7,
    "money": Decimal("1.5"),
    "local": "2024-01-01T10:00:00",
    "second": "2024-01-01T10:00:00Z",
    "word": "abc",
    "wei": 10**30,
}


@pytest.mark.parametrize("strategy", ["append", "upsert"])
def test_values_of_all_types_come_back_as_they_were(database: Place, strategy: str) -> None:
    row = {**ROW, **MORE}
    if strategy == "append":
        database.load([row], columns=HINTS)
    else:
        database.merge([row], strategy, columns=HINTS)
        database.merge([row], strategy, columns=HINTS)
    (found,) = database.read("orders")
    assert {key: plain(found[key], value) for key, value in ROW.items() if key != "doc"} == {
        key: value for key, value in ROW.items() if key != "doc"
    }
    assert found["doc"].replace(" ", "") == '{"a":[1,{"b":null}]}'
    assert (found["narrow"], found["word"]) == (7, "abc")
    assert Decimal(found["money"]) == Decimal("1.5")
    assert int(Decimal(found["wei"])) == 10**30
    assert str(found["local"]).startswith("2024-01-01 10:00:00")


def plain(found: Any, like: Any) -> Any:
    """`found` as the type of `like`: where a database keeps text, the text's value."""
    if isinstance(like, datetime):
        moment = datetime.fromisoformat(found) if isinstance(found, str) else found
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if isinstance(found, str) and isinstance(like, date | time):
        return type(like).fromisoformat(found)
    return Decimal(found) if isinstance(like, Decimal) else found


def test_postgres_has_dlts_types(postgres: Server, tmp_path: Path) -> None:
    place = postgres.new(tmp_path)
    info = place.load([{**ROW, **MORE}], columns=HINTS)
    found = info.tables["orders"].columns
    assert {name: found[name] for name in [*ROW, *MORE]} == {
        "id": "bigint",
        "txt": "character varying",
        "flt": "double precision",
        "yes": "boolean",
        "at": "timestamp with time zone",
        "day": "date",
        "hour": "time without time zone",
        "dec": "numeric(38,9)",
        "raw": "bytea",
        "doc": "jsonb",
        "big": "bigint",
        "narrow": "smallint",
        "money": "numeric(10,2)",
        "local": "timestamp without time zone",
        "second": "timestamp(0) with time zone",
        "word": "character varying(5)",
        "wei": "numeric(156,78)",
    }


def test_what_a_database_refuses_leaves_nothing(database: Place) -> None:
    database.load([{"id": 1, "v": 1}])
    with pytest.raises(DestinationError, match="may not be null"):
        database.load([{"id": 2, "w": 1}], columns={"w": {"nullable": False}})
    with pytest.raises(DestinationError, match=r"refused.*(?i:null)"):
        database.load(
            [{"id": 3, "lines": [{"n": 1}]}, {"id": None}],
            name="other",
            columns={"id": {"nullable": False}},
        )
    assert database.rows("orders", "id") == [(1,)]
    assert database.read("other") == []
    assert len(database.read("_dlt_loads")) == 1


def test_an_error_in_making_the_rows_is_told_as_it_is(database: Place) -> None:
    table = Table("t", {"id": Column("id", "bigint")}, write_disposition="append")
    batch = pa.RecordBatch.from_pydict({"id": pa.array([1], pa.int64())})

    def batches() -> Iterator[pa.RecordBatch]:
        yield batch
        raise SourceError("values do not fit")

    rows = pa.RecordBatchReader.from_batches(batch.schema, batches())
    with (
        pytest.raises(SourceError, match="values do not fit"),
        database.destination.open(database.dataset) as session,
    ):
        session.evolve(table)
        session.load([table], {"t": rows})
    assert database.read("t") == []


def test_long_names_are_shortened_to_what_postgres_takes(postgres: Server, tmp_path: Path) -> None:
    place = postgres.new(tmp_path)
    column = "this_is_a_very_long_identifier_that_goes_past_sixty_three_characters_for_sure"
    rows = [{"id": 1, column: 1, "list_" + column: [{"deep_" + column: [1]}]}]
    for _ in range(2):
        info = place.merge(rows, "upsert", name="parent_table_name_quite_long")
    assert "this_is_a_very_long_identifie83mizwty_three_characters_for_sure" in (
        info.tables["parent_table_name_quite_long"].columns
    )
    assert [t.total for t in info.tables.values()] == [1, 1, 1]
    assert max(map(len, info.tables)) == 63


def test_postgres_keeps_no_more_than_microseconds(postgres: Server, tmp_path: Path) -> None:
    place = postgres.new(tmp_path)
    columns = {"at": {"data_type": "timestamp", "precision": 9}}
    with pytest.raises(ConfigError, match="keeps microseconds, and column 'at' has 9 digits"):
        place.load([{"at": "2024-01-01T00:00:00Z"}], columns=columns)


def test_text_with_a_zero_byte_is_refused_by_name(postgres: Server, tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match=r"invalid byte sequence.*column v"):
        postgres.new(tmp_path).load([{"v": "a\0b"}])


def test_sqlite_does_not_make_nan_a_null(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="v: SQLite would make NaN a null"):
        file_place("sqlite", tmp_path).load([{"v": float("nan")}])


def test_sqlite_orders_decimals_by_their_value(tmp_path: Path) -> None:
    place = file_place("sqlite", tmp_path)
    batch = [{"id": 1, "n": Decimal(n)} for n in ("9.5", "10.5", "2")]
    place.merge(batch, "upsert", columns={"n": {"dedup_sort": "desc", "data_type": "decimal"}})
    assert [Decimal(row["n"]) for row in place.read("orders")] == [Decimal("10.5")]


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_a_driver_that_is_not_installed_is_named_with_its_extra(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "adbc_driver_postgresql" if kind == "postgres" else "adbc_driver_sqlite"
    monkeypatch.setitem(sys.modules, f"{module}.dbapi", None)
    made = Postgres(host="localhost") if kind == "postgres" else Sqlite(database=tmp_path / "x.db")
    with (
        pytest.raises(ConfigError, match=rf"pip install 'odp-dlt\[{kind}\]'"),
        made.open("data"),
    ):
        pass


def test_a_file_that_is_not_sqlites_is_refused(tmp_path: Path) -> None:
    place = file_place("sqlite", tmp_path)
    (tmp_path / "place__data.sqlite").write_text("id,name\n1,a\n" * 1000)
    with pytest.raises(DestinationError, match="is not an SQLite database file"):
        place.load([{"id": 1}])


def test_passwords_come_from_the_settings_and_are_told_to_nobody(tmp_path: Path) -> None:
    environment = {
        "DESTINATION__POSTGRES__CREDENTIALS__PASSWORD": "open sesame",
        "DESTINATION__POSTGRES__CREDENTIALS__PORT": "1",
    }
    made = Postgres(host="127.0.0.1", user="loader", database="lake").with_settings(
        Settings.from_folder(tmp_path, environment)
    )
    assert (made.password, made.port) == (SecretStr("open sesame"), 1)
    place = Place(tmp_path, made, "data")
    with pytest.raises(DestinationError, match="Connection refused") as e:
        place.load([{"id": 1}])
    told = [str(e.value), repr(e.value), repr(made), repr(place.pipeline()), made.location()]
    assert not [text for text in told if "sesame" in text]
    assert made.location() == "127.0.0.1/lake"


def test_a_connection_string_can_come_from_the_settings(tmp_path: Path) -> None:
    uri = "postgresql://loader:pass%20word@db.example:5433/lake?sslmode=require"
    settings = Settings.from_folder(tmp_path, {"DESTINATION__POSTGRES__CREDENTIALS": uri})
    assert Postgres().with_settings(settings)._parts() == {
        "host": "db.example",
        "port": "5433",
        "user": "loader",
        "password": "pass word",
        "dbname": "lake",
        "sslmode": "require",
    }


def test_a_dataset_that_another_load_holds_is_waited_for_and_then_named(
    postgres: Server, tmp_path: Path
) -> None:
    place = postgres.new(tmp_path, wait_s=0.3)

    def rows() -> Iterator[Any]:
        yield {"id": 1}

    with place.destination.open(place.dataset):
        with pytest.raises(DestinationBusy, match="lock timeout") as e:
            place.load(rows)
        assert "wait_s" in str(e.value)
    place.load(rows)
    assert place.rows("orders", "id") == [(1,)]
