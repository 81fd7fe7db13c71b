"""Stored schemas, against those of real dlt runs."""

import datetime
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import dlt
import pytest
from dlt.common.json import json as dlt_json
from dlt.common.schema.utils import bump_version_if_modified, generate_version_hash

from odp_dlt.errors import ConfigError, SchemaFileError
from odp_dlt.schema.internal import new_schema, state_table
from odp_dlt.schema.model import Column, Schema, Table
from odp_dlt.schema.stored import bump, dump_json, from_stored, load_json, to_stored, version_hash

ORDER_COLUMNS: Any = {
    "amount": {"data_type": "decimal", "precision": 10, "scale": 2, "description": "in zł"},
    "code": {"x-origin": "crm", "nullable": False, "data_type": "text"},
    "local": {"data_type": "timestamp", "timezone": False},
    "never": {"cluster": True},
}


@dlt.resource(
    primary_key="id",
    write_disposition="merge",
    columns=ORDER_COLUMNS,
)
def orders() -> Iterator[Any]:
    yield {
        "id": 1,
        "Customer Name": "x",
        "code": "a",
        "amount": Decimal("1.5"),
        "local": "2024-01-01T00:00:00",
        "never": 1,
        "addr": {"city": "y", "geo": {"lat": 1.5}},
        "tags": ["a"],
        "lines": [{"sku": "1", "opts": [{"k": 1}]}],
    }


@dlt.resource(
    max_table_nesting=1,
    write_disposition={
        "disposition": "merge",
        "strategy": "scd2",
        "active_record_timestamp": datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC),
    },
)
def history() -> Iterator[Any]:
    yield {"id": 1, "l": [{"b": [1]}]}


@dlt.resource(
    schema_contract={"columns": "freeze"},
    references=[{"referenced_table": "orders", "columns": ["yes"], "referenced_columns": ["id"]}],
)
def events() -> Iterator[Any]:
    dlt.current.resource_state()["seen"] = 1
    yield [{"yes": 1, "on": 2, "null": 3, "x": "1"}, {"x": {"a": 1}}, {"yes": "a"}]


@dlt.source(name="shop", max_table_nesting=3, schema_contract={"data_type": "evolve"})
def shop() -> Any:
    return orders, history, events


@pytest.fixture(scope="module")
def dlt_schema(tmp_path_factory: pytest.TempPathFactory) -> dlt.Schema:
    """The schema that a real run of `shop` into DuckDB leaves."""
    home = tmp_path_factory.mktemp("dlt")
    pipeline = dlt.pipeline(
        "shop",
        pipelines_dir=str(home / "pipelines"),
        destination=dlt.destinations.duckdb(str(home / "shop.duckdb")),
    )
    pipeline.run(shop())
    return pipeline.default_schema


def test_nothing_of_what_dlt_stored_is_lost(dlt_schema: dlt.Schema) -> None:
    stored = json.loads(dlt_json.dumps(dlt_schema.to_dict()))

    assert to_stored(from_stored(dlt_schema.to_dict())) == stored


def test_the_order_of_tables_and_columns_is_kept(dlt_schema: dlt.Schema) -> None:
    schema = from_stored(dlt_schema.to_dict())

    assert list(schema.tables) == list(dlt_schema.tables)
    for name, table in dlt_schema.tables.items():
        assert list(schema.tables[name].columns) == list(table["columns"])


def test_the_hash_is_the_one_that_dlt_computes(dlt_schema: dlt.Schema) -> None:
    assert version_hash(from_stored(dlt_schema.to_dict())) == dlt_schema.version_hash


def test_what_dlt_says_of_a_table_is_found_in_its_fields(dlt_schema: dlt.Schema) -> None:
    schema = from_stored(dlt_schema.to_dict())

    assert schema.max_nesting == 3
    assert schema.tables["history"].max_nesting == 1
    assert schema.tables["orders"].keys("primary_key") == ["id"]
    assert schema.tables["orders"].seen_data
    assert [t.name for t in schema.family("orders")] == [
        "orders",
        "orders__tags",
        "orders__lines",
        "orders__lines__opts",
    ]
    assert schema.tables["orders"].columns["amount"] == Column(
        "amount", "decimal", precision=10, scale=2, description="in zł"
    )


def test_the_state_table_is_the_one_that_dlt_adds(dlt_schema: dlt.Schema) -> None:
    schema = replace(from_stored(dlt_schema.to_dict()), tables={"s": state_table()})

    assert to_stored(schema)["tables"]["s"] == dlt_schema.tables["_dlt_pipeline_state"]


def test_dlt_takes_our_json_copy_as_its_own(dlt_schema: dlt.Schema) -> None:
    schema = from_stored(dlt_schema.to_dict())

    theirs = dlt.Schema.from_dict(json.loads(dump_json(schema)))

    assert theirs.version == dlt_schema.version
    assert theirs.version_hash == dlt_schema.version_hash
    assert load_json(dump_json(schema)) == load_json(json.dumps(to_stored(schema)))


@pytest.mark.parametrize("naming", ["snake_case", "direct", "sql_cs_v1"])
def test_a_new_schema_is_what_dlt_starts_with(naming: str) -> None:
    ours = bump(new_schema("shop", naming))

    normalizers: Any = {"names": naming, "json": None}
    theirs = dlt.Schema("shop", normalizers=normalizers)

    assert to_stored(ours) == theirs.to_dict()
    assert ours.version == 1


def test_the_nesting_of_a_new_schema_is_where_dlt_looks_for_it() -> None:
    schema = new_schema("shop", max_nesting=2)

    theirs: Any = dlt.Schema.from_dict(to_stored(bump(schema)))

    assert schema.max_nesting == 2
    assert theirs.data_item_normalizer.max_nesting == 2


@pytest.mark.parametrize("name", ["my shop", "1shop", "", "x" * 65])
def test_a_name_that_dlt_refuses_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a schema"):
        new_schema(name)


def test_a_schema_that_did_not_change_keeps_its_version() -> None:
    schema = bump(new_schema("shop"))

    assert bump(schema) is schema


def test_every_change_counts_the_version_up_and_remembers_the_hash_before() -> None:
    schema = bump(new_schema("shop"))

    changed = bump(schema.with_tables([Table("orders", {"id": Column("id", "bigint")})]))

    assert changed.version == 2
    assert changed.version_hash != schema.version_hash
    assert changed.previous_hashes == (schema.version_hash,)


def test_the_order_of_columns_is_a_change_and_that_of_tables_is_not() -> None:
    a, b = Column("a", "text"), Column("b", "text")
    x, y = Table("x", {"a": a, "b": b}), Table("y", {"a": a})

    one = version_hash(Schema("s", {"x": x, "y": y}))

    assert version_hash(Schema("s", {"y": y, "x": x})) == one
    assert version_hash(Schema("s", {"x": replace(x, columns={"b": b, "a": a}), "y": y})) != one


def test_versions_are_counted_as_dlt_counts_them() -> None:
    """Thirteen changes, the last of which leads back to where the schema was before."""
    ours = bump(new_schema("shop"))
    theirs: Any = to_stored(ours)
    for n in [*range(12), 10]:
        ours = bump(ours.with_tables([Table("t", {f"c{n}": Column(f"c{n}", "text")})]))
        theirs["tables"] = to_stored(ours)["tables"]
        bump_version_if_modified(theirs)

    assert to_stored(ours) == theirs
    assert len(ours.previous_hashes) == 10


def test_a_root_table_that_says_little_is_completed_as_dlt_does() -> None:
    stored = to_stored(new_schema("shop"))
    stored["tables"]["orders"] = {"columns": {"id": {"data_type": "bigint"}}}

    schema = from_stored(stored)

    completed = dlt.Schema.from_dict(stored).to_dict()
    assert to_stored(schema)["tables"] == completed["tables"]
    assert version_hash(schema) == completed["version_hash"]


def test_null_hints_and_unknown_hints_stay_and_count() -> None:
    stored: Any = to_stored(bump(new_schema("shop")))
    stored["description"] = "All of it"
    stored["tables"]["t"] = {
        "name": "t",
        "columns": {"c": {"name": "c", "data_type": "text", "precision": None, "x-a": [1]}},
        "write_disposition": "append",
        "resource": "t",
        "x-normalizer": {"seen-data": False, "evolve-columns-once": True},
    }

    schema = from_stored(stored)

    assert to_stored(schema) == stored
    assert version_hash(schema) == generate_version_hash(stored)


def test_columns_that_an_older_dlt_saw_only_nulls_in_are_dropped_as_dlt_drops_them() -> None:
    stored: Any = to_stored(bump(new_schema("shop")))
    stored["tables"]["t"] = {
        "columns": {
            "typed": {"data_type": "text", "x-normalizer": {"seen-null-first": True}},
            "untyped": {"nullable": True, "x-normalizer": {"seen-null-first": True}},
        },
        "write_disposition": "append",
        "resource": "t",
    }

    schema = from_stored(stored)

    assert schema.tables["t"].columns == {"typed": Column("typed", "text")}
    assert to_stored(schema)["tables"] == dlt.Schema.from_dict(stored).to_dict()["tables"]


def broken(**change: object) -> dict[str, Any]:
    return to_stored(new_schema("shop")) | change


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        (broken(engine_version=10), "engine_version is 10"),
        (broken(engine_version=12), "engine_version is 12.*\n.*newer dlt"),
        (broken(engine_version=None), "engine_version is None"),
        (broken(tables=None), "no `tables`"),
        (broken(name=None), "`name` of the schema is None"),
        (broken(tabels={}), "no key 'tabels'"),
        (broken(tables={"t": None}), "table 't' is None"),
        (broken(tables={"t": {"columns": {"c": 1}}}), "column 'c' of table 't' is 1"),
        (broken(tables={"t": {"columns": {True: {}}}}), "column of table 't' is True"),
        (
            broken(tables={"t": {"columns": {"c": {"data_type": "int"}}}}),
            "data_type of column 'c' of table 't' is 'int'.*\n.*bigint",
        ),
        (broken(tables={"t": {"columns": {}, "write_disposition": "add"}}), "'add'.*\n.*append"),
    ],
)
def test_what_is_not_a_schema_is_refused_with_what_and_where(
    stored: dict[str, Any], says: str
) -> None:
    with pytest.raises(SchemaFileError) as error:
        from_stored(stored, at="here")

    assert str(error.value).startswith("here: ")
    assert error.match(says)


def test_a_stored_copy_that_is_not_json_is_refused() -> None:
    with pytest.raises(SchemaFileError, match="not JSON"):
        load_json("{")


def test_hints_of_any_mapping_are_stored_as_their_content() -> None:
    schema = Schema("s", {"t": Table("t", hints={"x-a": MappingProxyType({"b": 1})})})

    assert to_stored(schema)["tables"]["t"]["x-a"] == {"b": 1}
