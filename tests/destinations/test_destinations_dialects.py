"""Databases that speak PostgreSQL's language: Supabase on a real server, Redshift as text."""

import dataclasses
from datetime import time
from pathlib import Path
from typing import Any

import dlt as real_dlt
import pyarrow as pa
import pytest

from odp_dlt.destinations.merge import merge
from odp_dlt.destinations.redshift import (
    Redshift,
    conversion,
    copy,
    stage_table,
    staged_schema,
    turn,
    type_name,
)
from odp_dlt.destinations.statements import Target
from odp_dlt.destinations.supabase import Supabase
from odp_dlt.errors import ConfigError, DestinationError
from odp_dlt.extract.hints import Hints
from odp_dlt.schema.merging import merging
from odp_dlt.schema.model import DATA_TYPES, Column
from odp_dlt.schema.naming import naming_convention
from odp_dlt.settings import Settings
from tests.destinations.places import Place, Server

ROLE = "arn:aws:iam::1:role/load"


@pytest.fixture
def supabase(postgres: Server, tmp_path: Path) -> Place:
    made = Supabase.model_validate({"connection_string": postgres.uri})
    return dataclasses.replace(postgres.new(tmp_path), destination=made)


@pytest.mark.parametrize("strategy", ["delete-insert", "upsert", "cdc", "scd2"])
def test_supabase_holds_what_was_loaded(supabase: Place, strategy: str) -> None:
    supabase.merge([{"id": 1, "tags": ["a", "b"]}, {"id": 2, "tags": ["c"]}], strategy)
    supabase.merge([{"id": 1, "tags": ["z"]}, {"id": 2, "tags": ["c"]}], strategy)
    found = supabase.nested("orders__tags", "value")
    old = [(1, "a"), (1, "b")] if strategy == "scd2" else []
    assert found == [*old, (1, "z"), (2, "c")]
    assert supabase.pipeline().dataset().query("SELECT max(id) FROM orders").fetchscalar() == 2


def test_a_schema_of_supabases_own_is_not_loaded_into(supabase: Place) -> None:
    with pytest.raises(ConfigError) as e:
        dataclasses.replace(supabase, dataset="auth").load([{"id": 1}])
    assert str(e.value) == ("'auth' is a schema of Supabase's own\n  Choose another dataset_name.")


def test_supabase_is_reached_with_tls_at_its_usual_port(tmp_path: Path) -> None:
    host = "aws-0-eu.pooler.supabase.com"
    environ = {
        "DESTINATION__SUPABASE__CREDENTIALS__HOST": host,
        "DESTINATION__SUPABASE__CREDENTIALS__USERNAME": "postgres.ref",
        "DESTINATION__SUPABASE__CREDENTIALS__PASSWORD": "pw",
        "DESTINATION__POSTGRES__CREDENTIALS__DATABASE": "other",
    }
    found = Supabase().with_settings(Settings.from_folder(tmp_path, environ))
    usual = {"port": "5432", "dbname": "postgres", "sslmode": "require"}
    assert found._parts() == usual | {"host": host, "user": "postgres.ref", "password": "pw"}
    given = {"connection_string": f"postgresql://me@{host}:6543/x?sslmode=verify-full"}
    made = Supabase.model_validate({**given, "sslrootcert": "ca.crt"})
    assert made._parts() == {
        **{"host": host, "user": "me", "port": "6543", "dbname": "x"},
        **{"sslmode": "verify-full", "sslrootcert": "ca.crt"},
    }


def test_supabase_without_tls_is_refused() -> None:
    made = Supabase.model_validate({"connection_string": "postgresql://here/x?sslmode=prefer"})
    with pytest.raises(ConfigError, match="sslmode=prefer would let passwords pass without TLS"):
        made.location()


TYPES: list[dict[str, Any]] = [
    *({"data_type": each} for each in sorted(DATA_TYPES)),
    *({"data_type": "bigint", "precision": bits} for bits in (8, 16, 32, 64)),
    {"data_type": "text", "precision": 20},
    {"data_type": "decimal", "precision": 12, "scale": 3},
    {"data_type": "timestamp", "timezone": False},
    {"data_type": "timestamp", "precision": 3},
]


@pytest.mark.parametrize("said", TYPES, ids=str)
def test_redshift_has_dlts_types(said: dict[str, Any]) -> None:
    mapper = real_dlt.destinations.redshift().capabilities().get_type_mapper()
    theirs = mapper.to_destination_type({"name": "c", **said}, {"name": "t"})
    same = {"varbinary": "varbyte"}  # two names of one type
    assert type_name(Column("c", **said)) == same.get(theirs, theirs)


def test_redshift_takes_rows_from_files_in_its_bucket() -> None:
    schema = pa.schema(
        [("id", pa.int64()), ("at", pa.timestamp("us", "UTC")), ("t", pa.time64("us"))]
    )
    assert stage_table("s0", schema) == (
        'CREATE TEMPORARY TABLE s0 ("id" bigint, "at" timestamp with time zone, "t" varchar(max))'
    )
    batch = pa.record_batch([[1], [None], [time(1, 2, 3)]], schema=schema)
    assert batch.cast(staged_schema(schema))["t"].to_pylist() == ["01:02:03.000000"]
    assert copy("s0", "s3://lake/staging/ab.parquet", ROLE) == (
        f"COPY s0 FROM 's3://lake/staging/ab.parquet' IAM_ROLE '{ROLE}' FORMAT AS PARQUET"
    )
    assert copy("s0", "s3://l/it's", "default").endswith(
        "'s3://l/it''s' IAM_ROLE default FORMAT AS PARQUET"
    )


def test_redshift_lets_one_load_in_by_the_lock_of_a_table() -> None:
    assert turn("data") == [
        'CREATE SCHEMA IF NOT EXISTS "data"',
        'CREATE TABLE IF NOT EXISTS "data"."_odp_turn" (turn bigint)',
        'LOCK "data"."_odp_turn"',
    ]


def test_a_merge_into_redshift_parses_json_and_names_no_target_by_an_alias() -> None:
    hints = {
        "write_disposition": {"disposition": "merge", "strategy": "cdc", "skip_unchanged_rows": 1},
        "primary_key": "id",
        "columns": {"doc": {"data_type": "json"}, "at": {"data_type": "time"}},
    }
    table = Hints.of(hints).table("t", naming_convention("snake_case"))
    how = merging(table)
    assert how is not None
    casts = {n: sql for n, c in table.columns.items() if (sql := conversion(c)) is not None}
    columns = ("id", "doc", "at", "_dlt_load_id")
    statements = merge([Target(table, '"d"."t"', "s0", columns, casts)], how)
    (inserted,) = (sql for sql in statements if sql.startswith("INSERT"))
    assert 'SELECT s."id", JSON_PARSE(s."doc"), CAST(s."at" AS time), s."_dlt_load_id"' in inserted
    deleted = [sql for sql in statements if sql.startswith("DELETE")]
    assert len(deleted) == 2
    assert all(sql.startswith('DELETE FROM "d"."t" WHERE ') for sql in deleted)
    assert not [sql for sql in statements if "DISTINCT FROM" in sql]  # Redshift has no such thing


def test_redshift_without_a_bucket_says_so_before_it_fetches(tmp_path: Path) -> None:
    made = Redshift.model_validate({"host": "cluster"})
    assert (made.max_identifier, made._parts()["port"]) == (127, "5439")
    with pytest.raises(ConfigError) as e:
        made._session("data", None)
    assert str(e.value) == (
        "the redshift destination has no staging_url, and rows reach it by files alone\n"
        "  Give it one: `destination_params: {staging_url: s3://BUCKET/staging}`."
    )


def test_redshift_that_is_not_there_is_told_by_its_name() -> None:
    params = {"host": "127.0.0.1", "port": 9, "password": "the-password", "user": "me"}
    made = Redshift.model_validate({**params, "staging_url": "s3://lake/staging"})
    with (
        pytest.raises(DestinationError, match="Redshift refused: ") as e,
        made.open("data", write=False),
    ):
        pass
    assert "the-password" not in str(e.value)
