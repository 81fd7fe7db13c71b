"""Every type through every format, layouts, and what YAML may say of the destination."""

import sys
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from odp_dlt.destinations.base import destinations
from odp_dlt.destinations.files.layout import Layout
from odp_dlt.destinations.filesystem import Filesystem
from odp_dlt.errors import ConfigError
from odp_dlt.schema.model import Column, Table
from odp_dlt.schema.types import arrow_type
from odp_dlt.settings import Settings, anchored
from tests.destinations.file_places import SECRET, FilePlace

FORMATS = [
    ("parquet", "snappy"),
    ("parquet", "zstd"),
    ("jsonl", "gzip"),
    ("jsonl", "none"),
    ("csv", "gzip"),
    ("csv", "none"),
]
COLUMNS = (
    Column("id", "bigint"),
    Column("text", "text"),
    Column("price", "decimal", precision=20, scale=4),
    Column("wei", "wei"),
    Column("ratio", "double"),
    Column("ok", "bool"),
    Column("at", "timestamp"),
    Column("at_ns", "timestamp", precision=9),
    Column("at_s", "timestamp", precision=0),
    Column("local", "timestamp", timezone=False),
    Column("day", "date"),
    Column("hour", "time"),
    Column("raw", "binary"),
    Column("doc", "json"),
    Column("huge", "bigint", precision=128),
)
ROW = {
    "id": 2**60,
    "text": 'a "quoted",\nline; ü \t',
    "price": Decimal("-1234567890.1234"),
    "wei": Decimal(10**30),
    "ratio": 0.1,
    "ok": False,
    "at": datetime(2024, 2, 29, 23, 59, 59, 123456, UTC),
    "at_ns": datetime(2024, 2, 29, 23, 59, 59, 123456, UTC),
    "at_s": datetime(2024, 2, 29, 23, 59, 59, 0, UTC),
    "local": datetime(1969, 12, 31, 23, 0, 0, 1),
    "day": date(1969, 7, 20),
    "hour": time(1, 2, 3, 4),
    "raw": b"\x00\xff bytes",
    "doc": '{"a":[1,null,"x"]}',
    "huge": Decimal(-(2**100)),
}


@pytest.fixture
def lake(tmp_path: Path) -> FilePlace:
    return FilePlace(tmp_path, {"bucket_url": str(tmp_path / "lake")})


def round_trip(place: Filesystem, rows: list[dict[str, Any]], columns: tuple[Column, ...]) -> Any:
    table = Table("t", {c.name: c for c in columns}, resource="t", write_disposition="replace")
    arrow = pa.schema([(c.name, arrow_type(c)) for c in columns])
    given = pa.Table.from_pylist(rows, arrow)
    with place.open("data") as session:
        session.evolve(table)
        session.load([table], {"t": given.to_reader()})
    found = place.tables("data")["t"].read()
    assert found.schema == given.schema
    return given, found


@pytest.mark.parametrize(("kind", "compression"), FORMATS)
def test_every_type_comes_back_as_it_was(lake: FilePlace, kind: str, compression: str) -> None:
    place = lake.destination(format=kind, compression=compression)
    empty = dict.fromkeys(ROW)
    given, found = round_trip(place, [ROW, empty, {**ROW, "text": ""}], COLUMNS)
    assert found.to_pylist() == given.to_pylist()


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv"])
def test_numbers_that_are_none_stay_what_they_are(lake: FilePlace, kind: str) -> None:
    column = (Column("x", "double"),)
    rows = [{"x": value} for value in (float("nan"), float("inf"), float("-inf"), None, 1.5)]
    _, found = round_trip(lake.destination(format=kind), rows, column)
    assert str(found.column("x").to_pylist()) == "[nan, inf, -inf, None, 1.5]"


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "id": st.integers(-(2**63), 2**63 - 1),
                "text": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
                "raw": st.none() | st.binary(),
                "at": st.none()
                | st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
            }
        ),
        min_size=1,
    )
)
def test_any_text_comes_back_as_it_was(
    lake: FilePlace, kind: str, rows: list[dict[str, Any]]
) -> None:
    columns = tuple(column for column in COLUMNS if column.name in rows[0])
    given, found = round_trip(lake.destination(format=kind), rows, columns)
    assert found.to_pylist() == given.to_pylist()


@pytest.mark.parametrize(
    ("kind", "function"),
    [("parquet", "read_parquet"), ("jsonl", "read_json"), ("csv", "read_csv")],
)
def test_duckdb_reads_the_files_by_their_uris(lake: FilePlace, kind: str, function: str) -> None:
    lake.pipeline(format=kind).run([{"id": 1, "items": [{"n": 1}]}], table_name="orders")
    uris = lake.destination().tables("data")["orders__items"].uris
    with duckdb.connect() as con:
        assert con.execute(f"SELECT n FROM {function}(?)", [uris]).fetchall() == [(1,)]


def test_formats_can_be_mixed_in_one_table(lake: FilePlace) -> None:
    for n, kind in enumerate(["parquet", "jsonl", "csv"]):
        lake.pipeline(format=kind).run([{"id": n, "at": datetime(2024, 1, 1)}], table_name="orders")
    assert lake.rows("orders", "id") == [(0,), (1,), (2,)]
    with pytest.raises(ConfigError, match="not Parquet"):
        lake.destination().tables("data")["orders"].dataset()


def test_a_layout_says_where_files_lie(lake: FilePlace) -> None:
    layout = "{table_name}/{YYYY}/{MM}/{DD}/{zone}/{load_id}.{file_id}.{ext}"
    pipeline = lake.pipeline(layout=layout, extra_placeholders={"zone": "eu"})
    info = pipeline.run([{"id": 1}], table_name="orders")
    pipeline.run([{"id": 2}], table_name="orders")
    moment = datetime.fromtimestamp(float(str(info.load_id)), UTC)
    [first, _] = lake.data_files()
    assert first.startswith(f"orders/{moment:%Y/%m/%d}/eu/{info.load_id}.")
    assert lake.rows("orders", "id") == [(1,), (2,)]


def test_placeholders_of_time_are_dlts() -> None:
    names = "YYYY YY Y MMMM MMM MM M DD D HH H mm m dddd ddd dd d ss s Q curr_date timestamp"
    template = "{table_name}/{file_id}/" + "-".join(f"{{{name}}}" for name in names.split())
    assert Layout(template).path("t", "1709618828.5", "f", "csv", "s") == (
        "t/f/2024-24-2024-march-mar-03-3-05-5-06-6-07-7-tuesday-tue-tu-2-08-8-1-2024-03-05-"
        "1709618828.csv"
    )


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ("{table_nam}/{file_id}.{ext}", "Did you mean 'table_name'"),
        ("{table_name}/{load_id}.{ext}", "must name {file_id} once"),
        ("{load_id}/{table_name}/{file_id}", "{load_id} there"),
        ("{table_name}_{file_id}", "'/' or '.' must follow"),
        ("/{table_name}/{file_id}", "below the dataset"),
        ("../{table_name}/{file_id}", "below the dataset"),
    ],
)
def test_a_layout_that_cannot_work_is_refused(layout: str, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Filesystem(bucket_url="lake", layout=layout)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s4://bucket", "Known: az, file, gs, s3"),
        ("s3:///lake", "names no bucket"),
        ("s3://key:the-secret-key@bucket", "holds no keys"),
    ],
)
def test_a_url_that_cannot_work_is_refused(url: str, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Filesystem(bucket_url=url)
    assert said in caught.value.errors()[0]["msg"]
    assert SECRET not in caught.value.errors()[0]["msg"]


def test_a_format_is_compressed_only_as_it_can_be() -> None:
    with pytest.raises(ValidationError, match="cannot be compressed with 'snappy'"):
        Filesystem.model_validate({"bucket_url": "x", "format": "csv", "compression": "snappy"})


def test_a_relative_folder_counts_from_the_project(tmp_path: Path) -> None:
    place = anchored(Filesystem, {"bucket_url": "data/lake"}, tmp_path)
    assert place.location() == str(tmp_path / "data/lake")
    assert anchored(Filesystem, {"bucket_url": "s3://lake"}, tmp_path).location() == "s3://lake"


def test_settings_give_the_bucket_and_the_keys_which_nothing_shows(tmp_path: Path) -> None:
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text(
        '[destination.filesystem]\nbucket_url = "s3://lake"\n'
        '[destination.filesystem.credentials]\nregion_name = "eu-west-1"\n'
    )
    prefix = "DESTINATION__FILESYSTEM__CREDENTIALS__AWS"
    environ = {f"{prefix}_ACCESS_KEY_ID": "key", f"{prefix}_SECRET_ACCESS_KEY": SECRET}
    place = Filesystem().with_settings(Settings.from_folder(tmp_path, environ))
    assert place.location() == "s3://lake"
    assert place.credentials is not None
    assert place.credentials.region_name == "eu-west-1"
    secret = place.credentials.aws_secret_access_key
    assert secret is not None
    assert secret.get_secret_value() == SECRET
    assert SECRET not in f"{place} {place!r} {place.model_dump_json()} {place.credentials!r}"


def test_without_a_bucket_the_error_says_how_to_give_one() -> None:
    with pytest.raises(ConfigError, match="no bucket_url"):
        Filesystem().location()


@pytest.mark.parametrize(
    ("url", "library"),
    [("gs://lake", "google-cloud-storage"), ("az://lake", "azure-storage-blob")],
)
def test_a_cloud_without_its_library_says_which_one(
    url: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("google.cloud.storage", "azure.storage.blob"):
        monkeypatch.setitem(sys.modules, module, None)  # as if it was not installed
    place = Filesystem.model_validate(
        {"bucket_url": url, "credentials": {"azure_storage_account_name": "account"}}
    )
    assert place.address("data", "orders") == f"{url}/data/orders"
    with pytest.raises(ConfigError, match=library), place.open("data", write=False):
        pass


def test_yaml_finds_it_by_name_and_none_of_its_parts() -> None:
    assert destinations.find("filesystem") is Filesystem
    assert "files" not in destinations.names()
