"""The table that a resource's hints describe is dlt's."""

from typing import Any

import dlt
import pytest

from odp_dlt.errors import ConfigError
from odp_dlt.extract.decorators import resource
from odp_dlt.extract.incremental import Incremental
from odp_dlt.schema.model import Column, Table
from odp_dlt.schema.naming import naming_convention

SNAKE = naming_convention("snake_case")
SCD2 = {"disposition": "merge", "strategy": "scd2"}

HINTS: list[dict[str, Any]] = [
    {},
    {"primary_key": "id", "columns": {"z": {"data_type": "text"}, "k": {"data_type": "bigint"}}},
    {
        "primary_key": ["a", "b"],
        "merge_key": "b",
        "columns": [{"name": "q", "data_type": "decimal", "precision": 10, "nullable": False}],
    },
    {"primary_key": "id", "columns": {"id": {"data_type": "bigint", "nullable": True}}},
    {"merge_key": ["m"], "primary_key": ["p"], "columns": {"c": {"data_type": "text", "x-f": 1}}},
    {"write_disposition": "merge", "primary_key": "id", "max_table_nesting": 1},
    {"write_disposition": {"disposition": "merge", "strategy": "upsert"}, "primary_key": "id"},
    {"write_disposition": {"disposition": "merge", "deduplicated": True}},
    {"write_disposition": SCD2, "primary_key": "p", "columns": {"c": {"data_type": "text"}}},
    {
        "write_disposition": SCD2
        | {
            "validity_column_names": ["f", "t"],
            "active_record_timestamp": "9999-12-31",
            "row_version_column_name": "rv",
        }
    },
    {"write_disposition": "replace", "schema_contract": "freeze", "table_format": "delta"},
    {"references": [{"columns": ["a"], "referenced_table": "x", "referenced_columns": ["b"]}]},
    {"table_name": "other", "primary_key": ()},
]


def as_dict(table: Table) -> dict[str, Any]:
    """The table as dlt writes it."""
    said: dict[str, Any] = {"columns": {n: column_dict(c) for n, c in table.columns.items()}}
    said |= {"name": table.name, "resource": table.resource} | dict(table.hints)
    said["write_disposition"] = table.write_disposition
    if table.max_nesting is not None:
        said["x-normalizer"] = {"max_nesting": table.max_nesting}
    return said


def column_dict(column: Column) -> dict[str, Any]:
    """The column as dlt writes it."""
    own = {k: v for k, v in vars(column).items() if v is not None and k != "hints"}
    return own | dict(column.hints)


@pytest.mark.parametrize("hints", HINTS)
def test_a_resources_table_is_dlts(hints: dict[str, Any]) -> None:
    theirs = dict(dlt.resource([{}], name="r", **hints).compute_table_schema())
    ours = as_dict(resource([{}], name="r", **hints).root_table(SNAKE))
    assert ours == theirs
    assert list(ours["columns"]) == list(theirs["columns"])


@pytest.mark.parametrize("path", ["updated", "m.u", "'quoted'"])
def test_the_column_of_a_plain_cursor_is_marked(path: str) -> None:
    cursor = dlt.sources.incremental(path)
    theirs = dlt.resource([{}], name="r", incremental=cursor).compute_table_schema()
    ours = resource([{}], name="r", incremental=Incremental(path)).root_table(SNAKE)
    assert as_dict(ours) == dict(theirs)


def test_names_are_normalized_and_a_key_finds_its_column() -> None:
    given = resource(
        [], name="My Rows", primary_key="userId", columns={"userId": {"data_type": "text"}}
    )
    table = given.root_table(SNAKE)
    assert table.name == "my_rows"
    assert table.resource == "My Rows"
    assert table.columns == {
        "user_id": Column("user_id", "text", nullable=False, hints={"primary_key": True})
    }


def test_columns_that_would_become_one_are_refused() -> None:
    given = resource([], name="r", columns={"userId": {}, "user_id": {}})
    with pytest.raises(ConfigError, match="'userId' and 'user_id' would both be named 'user_id'"):
        given.root_table(SNAKE)


def test_apply_hints_changes_the_resource_merges_columns_and_takes_back_what_is_empty() -> None:
    given = resource([], name="r", primary_key="a", columns={"q": {"data_type": "text"}})
    assert given.apply_hints(primary_key="b", columns={"q": {"precision": 3}}) is given
    assert list(given.root_table(SNAKE).columns) == ["q", "b"]
    assert given.root_table(SNAKE).columns["q"] == Column("q", "text", precision=3)
    given.apply_hints(primary_key="", columns=[])
    assert given.root_table(SNAKE).columns == {}


@pytest.mark.parametrize(
    ("hints", "says"),
    [
        ({"write_disposition": "apend"}, "Did you mean 'append'"),
        (
            {"write_disposition": {"disposition": "merge", "strategy": "upset"}},
            "Did you mean 'upsert'",
        ),
        ({"columns": {"a": {"data_type": "string"}}}, "unknown data_type 'string' of column 'a'"),
        ({"columns": {"a": {"nulable": True}}}, "Did you mean 'nullable'"),
        ({"write_dispositions": "append"}, "Did you mean 'write_disposition'"),
    ],
)
def test_wrong_hints_are_refused_where_they_are_said(hints: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as error:
        resource([{}], name="r", **hints)
    assert says in str(error.value)
