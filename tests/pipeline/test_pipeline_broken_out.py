"""Nested tables that a key of their own makes tables of their own, over runs."""

from typing import Any

import pytest

from odp_dlt import dlt
from odp_dlt.errors import ConfigError, ContractError, SourceError
from odp_dlt.pipeline.info import LoadInfo
from tests.conftest import Loaded

ORDERS = [{"id": 1, "lines": [{"sku": "a", "n": 1, "of": [1]}, {"sku": "b", "n": 2, "of": [2]}]}]


def load(place: Loaded, rows: Any, hints: Any, *, allow_empty: bool = False) -> LoadInfo:
    nested = None if hints is None else {"lines": hints}
    resource = dlt.resource(rows, name="orders", nested_hints=nested)
    return place.pipeline().run(resource, allow_empty=allow_empty)


MERGED = {"primary_key": "sku", "write_disposition": "merge"}


def test_pages_of_one_load_are_merged_as_one(place: Loaded) -> None:
    pages = [[{"id": i, "lines": [{"sku": "a", "n": i}]}] for i in range(5)]
    load(place, iter(pages), MERGED)
    assert place.rows("SELECT sku, n FROM data.orders__lines") == [("a", 4)]
    assert place.rows("SELECT count(*) FROM data.orders") == [(5,)]


def test_lists_of_several_fields_in_one_table_are_merged_as_one(place: Loaded) -> None:
    load(
        place,
        [{"id": 1, "Lines": [{"sku": "a", "n": 1}]}, {"id": 2, "lines": [{"sku": "a", "n": 2}]}],
        MERGED,
    )
    assert place.rows("SELECT sku, n FROM data.orders__lines") == [("a", 2)]


def test_a_key_that_was_said_once_stays(place: Loaded) -> None:
    load(place, ORDERS, MERGED)
    schema = load(place, [{"id": 2, "lines": [{"sku": "a", "n": 5, "of": [3]}]}], None).schema
    assert place.rows("SELECT sku, n FROM data.orders__lines ORDER BY 1") == [("a", 5), ("b", 2)]
    assert place.rows("SELECT value FROM data.orders__lines__of ORDER BY 1") == [(2,), (3,)]
    load(place, ORDERS, {"columns": {"n": {"description": "How many"}}})
    assert place.rows("SELECT sku, n FROM data.orders__lines ORDER BY 1") == [("a", 1), ("b", 2)]
    assert [t.name for t in schema.tables_of("orders")] == [
        *("orders", "orders__lines", "orders__lines__of")
    ]


def test_a_nested_table_with_rows_is_given_no_key(place: Loaded) -> None:
    load(place, ORDERS, None)
    with pytest.raises(ConfigError) as caught:
        load(place, ORDERS, MERGED)
    assert str(caught.value) == (
        "nested_hints of resource 'orders': table 'orders__lines' has rows that are nested in "
        "'orders'; a key would make it a table of its own\n  Leave out the key, or load the table "
        "anew: run(…, refresh='drop_resources')."
    )


def test_a_row_without_the_key_is_named(place: Loaded) -> None:
    with pytest.raises(SourceError, match="row 2 of 'orders__lines' has no value for 'sku'"):
        load(place, [{"id": 1, "lines": [{"sku": "a"}, {"n": 1}]}], MERGED)


def test_a_replaced_one_is_not_emptied_unnoticed(place: Loaded) -> None:
    replaced = {"primary_key": "sku", "write_disposition": "replace"}
    load(place, ORDERS, replaced)
    with pytest.raises(ContractError, match="no rows came for 'orders__lines', which holds 2"):
        load(place, [{"id": 2}], replaced)
    load(place, [{"id": 2}], replaced, allow_empty=True)
    assert place.rows("SELECT count(*) FROM data.orders__lines") == [(0,)]
    assert place.rows("SELECT count(*) FROM data.orders") == [(2,)]


def test_versions_of_its_rows_are_kept_by_scd2(place: Loaded) -> None:
    versions = {
        "write_disposition": {"disposition": "merge", "strategy": "scd2"},
        "merge_key": "sku",
    }
    load(place, ORDERS, versions)
    load(place, [{"id": 2, "lines": [{"sku": "a", "n": 7}]}], versions)
    load(place, [{"id": 3, "lines": [{"sku": "a", "n": 7}]}], versions)
    active = "SELECT sku, n FROM data.orders__lines WHERE _dlt_valid_to IS NULL ORDER BY 1"
    assert place.rows(active) == [("a", 7), ("b", 2)]
    assert place.rows("SELECT count(*) FROM data.orders__lines") == [(3,)]


def test_what_the_destination_cannot_do_is_told_before_anything_is_fetched(place: Loaded) -> None:
    upsert = {"write_disposition": {"disposition": "merge", "strategy": "upsert"}, "merge_key": "n"}
    with pytest.raises(ConfigError, match="needs a primary key, and 'orders__lines' has none"):
        load(place, ORDERS, upsert)


def test_json_columns_of_nested_tables_stay_whole_from_the_first_row_on(place: Loaded) -> None:
    load(place, ORDERS, {**MERGED, "columns": {"of": {"data_type": "json"}}})
    assert place.columns("orders__lines")["of"] == "JSON"
    assert "orders__lines__of" not in place.tables()
