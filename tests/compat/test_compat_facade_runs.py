"""Files, Arrow, state and sections: what dlt's sources do with them, the same here and in dlt."""

import gzip
from collections.abc import Iterator
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import dlt as real_dlt
import pyarrow as pa
import pytest

from odp_dlt import dlt
from odp_dlt.errors import SourceError
from tests.compat.test_compat_facade_uses import BOTH, Json, module
from tests.conftest import Loaded


@BOTH
def test_a_file_is_a_row_that_can_be_opened(package: str, tmp_path: Path) -> None:
    fsspec = import_module("fsspec").filesystem("file")
    made = module(package, "sources.filesystem").FileItemDict
    (tmp_path / "a b.txt").write_bytes(gzip.compress("grüß\n".encode()))
    url = (tmp_path / "a b.txt").as_uri()
    item: Any = made({"file_url": url, "file_name": "a b.txt", "encoding": "gzip"}, fsspec)
    assert issubclass(made, dict)
    assert item.local_file_path == str(tmp_path / "a b.txt")
    with item.open() as file:
        assert file.read() == "grüß\n".encode()
    with item.open("rt", encoding="utf-8") as file:
        assert file.read() == "grüß\n"
    assert gzip.decompress(item.read_bytes()) == "grüß\n".encode()

    here: Any = made({"file_url": "imap://a/1/b", "file_content": b"in hand"}, fsspec)
    assert here.read_bytes() == here.open().read() == b"in hand"
    assert here.open("rt", encoding="utf-8").read() == "in hand"
    with pytest.raises(ValueError):
        here.open(compression="zip")


def test_a_local_file_needs_no_file_system_and_a_remote_one_is_no_local_file(
    tmp_path: Path,
) -> None:
    made = module("odp_dlt.dlt", "sources.filesystem").FileItemDict
    (tmp_path / "a.txt").write_text("here")
    with made({"file_url": (tmp_path / "a.txt").as_uri()}).open("rt") as file:
        assert file.read() == "here"
    with pytest.raises(SourceError, match="'s3://b/a' is no file on this machine"):
        _ = made({"file_url": "s3://b/a"}).local_file_path


def test_a_file_row_loads_as_any_row(place: Loaded) -> None:
    made = module("odp_dlt.dlt", "common.storages.fsspec_filesystem").FileItemDict
    rows = [made({"file_url": "imap://a/1/b", "file_name": "b", "size_in_bytes": 7})]
    place.load(dlt.resource(rows, name="files"))
    assert place.rows("SELECT file_name, size_in_bytes FROM data.files") == [("b", 7)]


@BOTH
@pytest.mark.parametrize("batch", [False, True])
def test_arrow_items_are_changed_as_in_dlt(package: str, batch: bool) -> None:
    helpers = module(package, "common.libs.pyarrow")
    table = pa.table({"a": [1, 2], "b": ["x", "y"]})
    item = table.to_batches()[0] if batch else table
    assert helpers.pyarrow is pa
    assert helpers.is_arrow_item(item)
    assert not helpers.is_arrow_item([item])
    more = helpers.append_column(helpers.remove_columns(item, ["b"]), "c", pa.array([3, 4]))
    renamed = helpers.rename_columns(more, ["d", "e"])
    assert renamed.to_pydict() == {"d": [1, 2], "e": [3, 4]}
    assert type(renamed) is type(item)


# ---- what runs


@BOTH
def test_a_state_can_be_given_to_a_resource_outside_of_a_pipeline(package: str) -> None:
    lib = import_module(package)
    container = module(package, "common.configuration.container").Container
    context = module(package, "common.pipeline").StateInjectableContext

    @lib.source(name="numbers", section="numbers")
    def numbers() -> Any:
        @lib.resource
        def counted() -> Iterator[Json]:
            state = lib.current.resource_state()
            state["runs"] = state.get("runs", 0) + 1
            yield {"run": state["runs"]}

        return counted

    state: Json = {}
    for run in (1, 2):
        with container().injectable_context(context(state=state)) as managed:
            assert list(numbers()) == [{"run": run}]
            assert managed.state is state
    assert state["sources"]["numbers"]["resources"]["counted"] == {"runs": 2}


@BOTH
def test_a_resource_can_ask_for_its_section_and_its_schema(package: str) -> None:
    lib = import_module(package)
    container = module(package, "common.configuration.container").Container
    section = module(package, "common.configuration.specs.config_section_context")
    found = []

    @lib.source(name="numbers", section="numbers_module")
    def numbers() -> Any:
        @lib.resource
        def counted() -> Iterator[Json]:
            context = container()[section.ConfigSectionContext]
            schema = lib.current.source_schema()
            found.append((context.sections[:2], context.source_state_key, schema.name))
            found.append(schema.naming.normalize_identifier("Some Name"))
            yield {"n": 1}

        return counted

    assert list(numbers()) == [{"n": 1}]
    assert found == [(("sources", "numbers_module"), "numbers", "numbers"), "some_name"]


@BOTH
def test_the_schema_is_known_while_the_source_is_made(package: str) -> None:
    lib = import_module(package)

    @lib.source(name="numbers")
    def numbers() -> Any:
        name = lib.current.source_schema().naming.normalize_identifier("Some Name")
        return lib.resource([{"n": 1}], name=name)

    assert list(numbers().resources) == ["some_name"]


def test_a_source_that_is_only_made_has_no_state_to_lose() -> None:
    @dlt.source(name="numbers")
    def numbers() -> Any:
        dlt.current.source_state()["made"] = True
        return dlt.resource([{"n": 1}], name="rows")

    with pytest.raises(SourceError, match=r"source_state\(\) was called while no resource"):
        numbers()


@BOTH
def test_settings_fill_a_function_by_the_name_that_is_under_dlt_sources(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__LETTERS__LETTER", "x")
    lib = import_module(package)

    @lib.sources.config.with_config(sections=("sources", "letters"))
    def read(letter: str = lib.config.value) -> str:
        return letter

    assert read() == "x"


@BOTH
def test_there_is_no_state_where_nothing_runs(package: str) -> None:
    container = module(package, "common.configuration.container").Container()
    context = module(package, "common.pipeline").StateInjectableContext
    missing = module(package, "common.configuration.exceptions").ContextDefaultCannotBeCreated
    assert context not in container
    with pytest.raises(missing):
        container[context]


@pytest.mark.parametrize("lib", [real_dlt, dlt], ids=["dlt", "ours"])
def test_a_failing_statement_is_dlts_exception(lib: Any, tmp_path: Path) -> None:
    pipeline = lib.pipeline(
        "p", destination=lib.destinations.duckdb(str(tmp_path / "a.duckdb")), dataset_name="data"
    )
    pipeline.run([{"n": 1}], table_name="t")
    with (
        pytest.raises(lib.destinations.exceptions.DatabaseTerminalException),
        pipeline.sql_client() as client,
    ):
        client.execute_sql("SELECT 1 + CAST('x' AS INTEGER)")


def test_wei_of_the_facade_loads_as_wei(place: Loaded) -> None:
    wei = module("odp_dlt.dlt", "common.wei").Wei
    assert wei is module("odp_dlt.dlt", "common").Wei
    place.load(dlt.resource([{"w": wei(10**30)}], name="amounts"))
    assert place.rows("SELECT w FROM data.amounts") == [(Decimal(10**30),)]
