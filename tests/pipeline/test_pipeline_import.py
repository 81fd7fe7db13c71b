"""What an edited schema file may not do, and what it does to contracts and refreshes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from odp_dlt import dlt
from odp_dlt.errors import ConfigError, DestinationError, SchemaFileError
from odp_dlt.pipeline.info import LoadInfo
from tests.conftest import Loaded

ROW = {"id": 1, "price": 2, "name": "a", "lines": [{"n": 1}]}


@pytest.fixture
def folder(place: Loaded) -> Path:
    return place.folder / "schemas"


def load(place: Loaded, *rows: Any, refresh: str | None = None, **hints: Any) -> LoadInfo:
    pipeline = place.pipeline(import_schema_path=place.folder / "schemas")
    source = dlt.source(lambda: dlt.resource(list(rows), name="items", **hints), name="shop")
    return pipeline.run(source(), refresh=refresh)


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    path = folder / "shop.schema.yaml"
    stored = yaml.safe_load(path.read_text())
    change(stored)
    path.write_text(yaml.safe_dump(stored, sort_keys=False))
    return path


def typed(column: str, **said: Any) -> Callable[[dict[str, Any]], object]:
    return lambda stored: stored["tables"]["items"]["columns"].update({column: said})


def test_a_column_with_data_keeps_its_type(place: Loaded, folder: Path) -> None:
    load(place, ROW)
    path = edit(folder, typed("price", data_type="decimal", precision=10, scale=2))
    with pytest.raises(SchemaFileError) as caught:
        load(place, {"id": 2, "price": 2.5})
    assert str(caught.value).startswith(
        f"{path}: column 'price' of table 'items' would be decimal(10, 2), and is bigint in the"
    )
    assert "refresh='drop_resources'" in str(caught.value.hint)
    assert place.rows("SELECT id, price FROM data.items") == [(1, 2)]


def test_a_refresh_loads_with_the_new_type(place: Loaded, folder: Path) -> None:
    load(place, ROW)
    edit(folder, typed("price", data_type="decimal", precision=10, scale=2))
    load(place, {**ROW, "price": 2.5}, refresh="drop_resources")
    assert place.columns("items")["price"] == "DECIMAL(10,2)"
    assert [str(price) for (price,) in place.rows("SELECT price FROM data.items")] == ["2.50"]


def test_hints_do_not_change_the_type_of_a_column_with_data_either(place: Loaded) -> None:
    place.load([ROW], table_name="items")
    with pytest.raises(ConfigError) as caught:
        place.load([ROW], table_name="items", columns={"price": {"data_type": "bool"}})
    assert str(caught.value).startswith(
        "resource 'items': column 'price' of table 'items' is declared as bool, and is bigint in"
    )
    hints = {"lines": {"columns": {"n": {"data_type": "text"}}}}
    with pytest.raises(ConfigError, match="column 'n' of table 'items__lines' is declared as text"):
        place.load(dlt.resource([ROW], name="items", nested_hints=hints))
    place.load([ROW], table_name="items", columns={"price": {"data_type": "bigint", "sort": True}})
    assert place.rows("SELECT count(*) FROM data.items") == [(2,)]


def test_a_nested_table_stays_where_it_is_nested(place: Loaded, folder: Path) -> None:
    load(place, ROW)
    nested = {"columns": {}, "resource": "items", "write_disposition": "append"}
    edit(folder, lambda stored: stored["tables"].update(items__lines=nested))
    with pytest.raises(SchemaFileError, match="would be nested in no table, and is nested in item"):
        load(place, ROW)


def test_another_naming_convention_needs_another_dataset(place: Loaded, folder: Path) -> None:
    load(place, ROW)
    edit(folder, lambda stored: stored["normalizers"].update(names="direct"))
    with pytest.raises(SchemaFileError, match="are named by direct, those of the dataset by snake"):
        load(place, ROW)


def test_a_file_of_another_schema_is_refused(place: Loaded, folder: Path) -> None:
    load(place, ROW)
    edit(folder, lambda stored: stored.update(name="other"))
    with pytest.raises(SchemaFileError, match="the schema is called 'other'"):
        load(place, ROW)


def test_a_contract_in_the_file_protects_what_has_data(place: Loaded, folder: Path) -> None:
    load(place, ROW)
    edit(
        folder, lambda s: s["tables"]["items"].update(schema_contract={"columns": "discard_value"})
    )
    edit(folder, typed("note", data_type="text"))
    load(place, {"id": 2, "more": 1, "note": "kept"})
    assert list(place.columns("items")) == [
        *("id", "price", "name", "_dlt_load_id", "_dlt_id", "note")
    ]


def test_a_load_that_fails_imports_nothing(place: Loaded, folder: Path) -> None:
    load(place, ROW)
    edit(folder, typed("note", data_type="text", nullable=False))
    with pytest.raises(DestinationError, match="may not be null"):
        load(place, {"id": 2, "note": "a"})
    assert "note" not in place.columns("items")


def test_one_folder_may_serve_both_ways(place: Loaded, folder: Path) -> None:
    def run(*rows: Any) -> LoadInfo:
        pipeline = place.pipeline(import_schema_path=folder, export_schema_path=folder)
        return pipeline.run(dlt.source(lambda: dlt.resource(rows, name="items"), name="shop")())

    run(ROW)
    assert "seen-data" not in (folder / "shop.schema.yaml").read_text()
    edit(folder, typed("note", data_type="text"))
    first = run({"id": 2, "note": "a"}).schema
    again = run({"id": 3}).schema
    assert again.version == first.version
    assert place.columns("items")["note"] == "VARCHAR"


def test_nesting_that_the_file_limits_is_limited(place: Loaded, folder: Path) -> None:
    load(place, {"id": 1})
    edit(
        folder,
        lambda s: s["tables"].update(
            items={**s["tables"]["items"], "x-normalizer": {"max_nesting": 0, "seen-data": True}}
        ),
    )
    load(place, ROW, refresh="drop_sources")
    assert place.columns("items")["lines"] == "JSON"


def test_settings_that_are_none_are_told_before_anything_is_fetched(
    place: Loaded, folder: Path
) -> None:
    load(place, ROW)
    edit(folder, lambda stored: stored["settings"].update(detections=["iso_dates"]))
    fetched = []
    pipeline = place.pipeline(import_schema_path=folder)

    @dlt.resource(name="items")
    def items() -> Any:
        fetched.append(1)
        yield ROW

    with pytest.raises(ConfigError, match="there is no detection 'iso_dates'"):
        pipeline.run(dlt.source(lambda: items, name="shop")())
    assert not fetched
