"""Schema files: dlt's export read here, ours read by dlt, and what goes wrong with them."""

import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import dlt
import pytest
import yaml
from dlt.common.storages.schema_storage import SchemaStorage

from odp_dlt.errors import SchemaFileError
from odp_dlt.schema.internal import new_schema, state_table
from odp_dlt.schema.model import Column, Schema, Table
from odp_dlt.schema.stored import (
    bump,
    dump_yaml,
    read_schema_file,
    to_stored,
    version_hash,
    write_schema_file,
)


def exported(home: Path) -> Path:
    """The file that dlt exports after a run with nested data, keys and state."""

    @dlt.resource(primary_key="id", write_disposition="merge")
    def orders() -> Any:
        dlt.current.resource_state()["seen"] = 1
        yield {"id": 1, "yes": True, "żółć": "long " * 30, "lines": [{"sku": "a"}]}

    pipeline = dlt.pipeline(
        "shop",
        pipelines_dir=str(home / "pipelines"),
        destination=dlt.destinations.duckdb(str(home / "shop.duckdb")),
        export_schema_path=str(home / "schemas"),
    )
    pipeline.run(orders(), schema=dlt.Schema("shop"), columns={"id": {"description": "ż: " * 40}})
    return home / "schemas" / "shop.schema.yaml"


def ours() -> Schema:
    parent = {"_dlt_parent_id": Column("_dlt_parent_id", "text", hints={"parent_key": True})}
    return bump(
        new_schema("shop", max_nesting=2).with_tables(
            [
                Table(
                    "orders",
                    {"id": Column("id", "bigint", False, hints={"primary_key": True})},
                    resource="orders",
                    write_disposition="merge",
                    seen_data=True,
                    hints={"x-list": [1, 2]},
                ),
                state_table(),
                Table("orders__lines", parent, parent="orders"),
            ]
        )
    )


def test_a_file_that_dlt_exported_has_the_hash_that_it_says(tmp_path: Path) -> None:
    schema = read_schema_file(exported(tmp_path))

    assert version_hash(schema) == schema.version_hash


def test_a_file_that_dlt_exported_is_not_touched_when_nothing_changed(tmp_path: Path) -> None:
    path = exported(tmp_path)
    before = path.read_bytes()

    assert write_schema_file(read_schema_file(path), path) is False
    assert path.read_bytes() == before


def test_a_change_to_a_file_that_dlt_exported_is_all_that_differs(tmp_path: Path) -> None:
    path = exported(tmp_path)
    before = path.read_text(encoding="utf-8").splitlines()
    schema = read_schema_file(path)

    changed = bump(schema.with_tables([Table("more", {"c": Column("c", "text")}, parent="orders")]))

    assert write_schema_file(changed, path) is True
    after = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in before if not line.startswith("version")]
    added = ["  more:", "    columns:", "      c:", "        data_type: text", "    parent: orders"]
    at = after.index("  more:")
    assert after[at : at + 5] == added
    without = after[:at] + after[at + 5 :]
    without.remove(f"- {schema.version_hash}")
    assert [line for line in without if not line.startswith("version")] == kept


def test_dlt_reads_our_file_and_finds_its_hash_right(tmp_path: Path) -> None:
    schema = ours()
    write_schema_file(schema, tmp_path / "shop.schema.yaml")

    theirs = SchemaStorage.load_schema_file(str(tmp_path), "shop")

    assert theirs.stored_version_hash == theirs.version_hash == schema.version_hash
    assert theirs.to_dict() == to_stored(schema)


def test_a_dlt_pipeline_continues_from_our_file(tmp_path: Path) -> None:
    schema = ours()
    write_schema_file(schema, tmp_path / "schemas" / "shop.schema.yaml")
    pipeline = dlt.pipeline(
        "shop",
        pipelines_dir=str(tmp_path / "pipelines"),
        destination=dlt.destinations.duckdb(str(tmp_path / "shop.duckdb")),
        import_schema_path=str(tmp_path / "schemas"),
    )

    pipeline.run([{"id": 1}], table_name="orders", schema=dlt.Schema("shop"))

    assert schema.version_hash in pipeline.default_schema.previous_hashes
    assert pipeline.default_schema.tables["orders"]["columns"]["id"]["primary_key"] is True


def test_a_file_reads_as_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folders" / "shop.schema.yaml"

    assert write_schema_file(ours(), path) is True
    assert read_schema_file(path) == ours()
    assert write_schema_file(ours(), path) is False
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert stat.S_IMODE(path.stat().st_mode) & stat.S_IRUSR


def test_the_keys_of_a_file_are_in_dlts_order() -> None:
    stored = yaml.safe_load(dump_yaml(ours()))

    assert list(stored) == [
        "version",
        "version_hash",
        "engine_version",
        "name",
        "tables",
        "settings",
        "normalizers",
        "previous_hashes",
    ]
    assert list(stored["tables"]["_dlt_loads"]) == [
        "columns",
        "write_disposition",
        "resource",
        "description",
    ]


def test_a_changed_order_of_columns_is_written(tmp_path: Path) -> None:
    path = tmp_path / "shop.schema.yaml"
    table = Table("t", {"a": Column("a", "text"), "b": Column("b", "text")})
    turned = replace(table, columns={name: table.columns[name] for name in ("b", "a")})
    write_schema_file(new_schema("shop").with_tables([table]), path)

    assert write_schema_file(new_schema("shop").with_tables([turned]), path) is True
    assert list(read_schema_file(path).tables["t"].columns) == ["b", "a"]


def test_a_value_that_occurs_twice_is_written_twice() -> None:
    shared = ["a"]
    table = Table("t", hints={"x-one": shared, "x-two": shared})

    assert "&" not in dump_yaml(Schema("s", {"t": table}))


def test_a_missing_file_says_its_path_and_what_next(tmp_path: Path) -> None:
    with pytest.raises(SchemaFileError, match="does not exist") as error:
        read_schema_file(tmp_path / "no.yaml", hint="run this")

    assert error.value.at == str(tmp_path / "no.yaml")
    assert error.value.hint == "run this"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"# nothing\n", "empty"),
        (b"name: shop\n  x: 1\n", "x.yaml:2: not YAML"),
        (b"\xff\xfe\xff", "not YAML"),
        (b"- 1\n", "no `tables`"),
        (b"name: shop\n", "no `tables`"),
    ],
)
def test_a_file_that_holds_no_schema_says_why_and_is_not_overwritten(
    tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(content)

    with pytest.raises(SchemaFileError, match=says):
        read_schema_file(path)

    if content:
        with pytest.raises(SchemaFileError, match=says):
            write_schema_file(ours(), path)
        assert path.read_bytes() == content


def test_a_folder_in_the_place_of_a_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(SchemaFileError, match="cannot be read: Is a directory"):
        read_schema_file(tmp_path)
