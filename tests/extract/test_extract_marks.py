"""Hints that depend on the row, marks on single items, nested hints, models as columns."""

from collections.abc import Iterator
from datetime import date
from importlib import import_module
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, Field

from odp_dlt import dlt
from odp_dlt.errors import ConfigError
from odp_dlt.extract.model_columns import columns_of_model
from tests.conftest import Loaded

EVENTS = [
    {"kind": "a", "id": 1},
    {"kind": "b", "id": 2},
    {"kind": "a", "id": 3, "more": [{"x": 1}]},
]


def test_rows_go_to_the_table_that_a_function_names(place: Loaded) -> None:
    events = dlt.resource(
        EVENTS,
        name="events",
        table_name=lambda row: f"ev_{row['kind']}",
        write_disposition=lambda row: "replace" if row["kind"] == "a" else "append",
        primary_key=lambda row: "id",
    )
    place.load(events)
    place.load(events)
    assert place.rows("SELECT id FROM data.ev_a ORDER BY id") == [(1,), (3,)]
    assert place.rows("SELECT id FROM data.ev_b ORDER BY id") == [(2,), (2,)]
    assert place.rows("SELECT x FROM data.ev_a__more") == [(1,)]
    schema = place.load(events).schema
    assert [t.name for t in schema.tables_of("events")] == ["ev_a", "ev_a__more", "ev_b"]
    assert schema.tables["ev_b"].keys("primary_key") == ["id"]


def test_a_replaced_table_of_a_function_is_emptied_though_no_row_comes(place: Loaded) -> None:
    def events(rows: list[Any]) -> Any:
        return dlt.resource(
            rows, name="e", table_name=lambda row: row["t"], write_disposition="replace"
        )

    place.load(events([{"t": "one", "n": 1}, {"t": "two", "n": 1}]))
    place.load(events([{"t": "two", "n": 2}]), allow_empty=True)
    assert place.rows("SELECT n FROM data.one") == []
    assert place.rows("SELECT n FROM data.two") == [(2,)]


def test_items_are_marked_for_a_table_or_with_hints(place: Loaded) -> None:
    @dlt.resource(name="r", write_disposition="append")
    def rows() -> Iterator[Any]:
        yield {"n": 0}
        yield dlt.mark.with_table_name([{"n": 1}, {"n": 2}], "other")
        hints = dlt.mark.make_hints(
            table_name="listed", write_disposition="replace", primary_key="n"
        )
        yield dlt.mark.with_hints({"n": 3}, hints, create_table_variant=True)
        yield dlt.mark.with_table_name({"n": 3}, "listed")
        yield dlt.mark.with_hints(
            {"n": 4, "x": "5"}, dlt.mark.make_hints(columns={"x": {"data_type": "bigint"}})
        )

    place.load(rows)
    counts = {
        name: place.rows(f"SELECT count(*) FROM data.{name}") for name in ("r", "other", "listed")
    }
    assert counts == {"r": [(2,)], "other": [(2,)], "listed": [(2,)]}
    assert place.columns("r")["x"] == "BIGINT"


def test_other_functions_of_the_row_need_a_table_that_is_one_too() -> None:
    with pytest.raises(ConfigError, match="write_disposition is a function of the row"):
        dlt.resource([{}], name="r", write_disposition=lambda row: "append")


def test_hints_for_nested_tables_declare_their_columns(place: Loaded) -> None:
    nested = dlt.mark.make_nested_hints(columns={"price": {"data_type": "decimal"}})
    rows = [{"id": 1, "lines": [{"price": "1.5", "parts": [{"no": 1}]}]}]
    given = dlt.resource(
        rows,
        name="orders",
        nested_hints={"lines": nested, ("lines", "parts"): {"columns": [{"name": "no"}]}},
    )
    schema = place.load(given).schema
    assert schema.tables["orders__lines"].columns["price"].data_type == "decimal"
    assert schema.tables["orders__lines__parts"].parent == "orders__lines"
    with pytest.raises(ConfigError, match="'colums' is no hint"):
        dlt.resource(rows, name="orders", nested_hints={"lines": {"colums": {}}})


def test_two_resources_of_one_table_load_their_rows_once(place: Loaded) -> None:
    place.load([dlt.resource([{"n": n}], name=f"r{n}", table_name="both") for n in (1, 2)])
    assert place.rows("SELECT n FROM data.both ORDER BY n") == [(1,), (2,)]


class Inner(BaseModel):
    """A nested row."""

    x: int


class Row(BaseModel):
    """Every kind of field."""

    id: int
    name: str | None = None
    born: date | None
    ok: bool
    tags: list[str]
    inner: Inner
    anything: Any
    odd: Inner | str | None = None
    renamed: float = Field(alias="Renamed")


class Flat(Row):
    """The same without nested values."""

    dlt_config: ClassVar[dict[str, Any]] = {"skip_nested_types": True}


@pytest.mark.parametrize("model", [Row, Flat])
def test_a_models_columns_are_dlts(model: type[BaseModel]) -> None:
    theirs = import_module("dlt.common.libs.pydantic").pydantic_to_table_schema_columns
    assert columns_of_model(model) == theirs(model)


def test_the_references_of_a_table_are_kept(place: Loaded) -> None:
    reference = [
        {"columns": ["a"], "referenced_table": "other", "referenced_columns": ["b"]},
    ]
    info = place.load(dlt.resource([{"a": 1}], name="r", references=reference))
    assert info.schema.tables["r"].hints["references"] == reference
