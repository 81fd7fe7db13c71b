"""Loading anew: what a refresh drops, and that it drops nothing if the load fails."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from odp_dlt import dlt
from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.pipeline.pipeline import Pipeline
from tests.destinations.places import Place

MODES = ["drop_sources", "drop_resources", "drop_data"]


def shop(*names: str, first: int = 0, fail: bool = False) -> Any:
    """Two resources, `a` with nested rows, each with a cursor over `id`; `names` are selected."""

    @dlt.source(name="shop")
    def made() -> Any:
        for name in ("a", "b"):
            yield dlt.resource(rows, name=name)(name)

    def rows(name: str, cursor: Any = dlt.sources.incremental("id")) -> Iterator[Any]:
        dlt.current.source_state().setdefault("seen", []).append(name)
        yield [{"id": first + n, "k": [n]} if name == "a" else {"id": first + n} for n in range(3)]
        if fail:
            raise ValueError("in the middle")

    source = made()
    return source.with_resources(*names) if names else source


@pytest.fixture
def loaded(anywhere: Place) -> Pipeline:
    pipeline = anywhere.pipeline()
    pipeline.run(shop())
    return pipeline


def ids(pipeline: Pipeline, table: str) -> list[Any]:
    return [id_ for (id_,) in pipeline.dataset()[table].select("id").order_by("id").fetchall()]


def cursors(pipeline: Pipeline) -> dict[str, Any]:
    resources = pipeline.state["sources"]["shop"]["resources"]
    return {
        name: kept["incremental"]["id"]["last_value"] for name, kept in resources.items() if kept
    }


def test_drop_sources_begins_the_whole_source_anew(loaded: Pipeline) -> None:
    info = loaded.run(shop("b"), refresh="drop_sources")
    assert loaded.dataset().tables == ["b", "_dlt_version", "_dlt_loads", "_dlt_pipeline_state"]
    assert ids(loaded, "b") == [0, 1, 2]
    assert cursors(loaded) == {"b": 2}
    assert loaded.state["sources"]["shop"]["seen"] == ["b"]
    (package,) = info.load_packages
    assert package.refresh == "drop_sources"
    assert sorted(package.dropped_tables) == ["a", "a__k", "b"]
    assert "with refresh 'drop_sources'" in str(info)
    with pytest.raises(KeyError):
        loaded.dataset()["a__k"]


def test_drop_resources_begins_the_selected_resources_anew(loaded: Pipeline) -> None:
    loaded.run(shop("a", first=3))
    assert ids(loaded, "a") == [0, 1, 2, 3, 4, 5]
    info = loaded.run(shop("a", first=7), refresh="drop_resources")
    assert ids(loaded, "a") == [7, 8, 9]
    assert loaded.dataset().row_counts().fetchall() == [("b", 3), ("a", 3), ("a__k", 3)]
    assert cursors(loaded) == {"a": 9, "b": 2}
    assert loaded.state["sources"]["shop"]["seen"] == ["a", "b", "a", "a"]
    assert list(info.load_packages[0].dropped_tables) == ["a", "a__k"]


def test_drop_data_empties_tables_and_keeps_their_columns(loaded: Pipeline) -> None:
    before = loaded.default_schema
    info = loaded.run(shop("a", first=7), refresh="drop_data")
    assert loaded.dataset().row_counts().fetchall() == [("a", 3), ("a__k", 3), ("b", 3)]
    assert ids(loaded, "a") == [7, 8, 9]
    assert cursors(loaded) == {"a": 9, "b": 2}
    assert loaded.default_schema == before
    (package,) = info.load_packages
    assert list(package.truncated_tables) == ["a", "a__k"]
    assert list(package.dropped_tables) == []


@pytest.mark.parametrize("mode", ["drop_sources", "drop_resources"])
def test_of_a_schema_that_lost_tables_one_version_is_kept(loaded: Pipeline, mode: str) -> None:
    loaded.run([{"id": 1, "new": 1}], table_name="c")
    loaded.run(shop(), refresh=mode)
    sql = "SELECT schema_name FROM _dlt_version"
    assert loaded.dataset()(sql).fetchall().count(("shop",)) == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_refresh_whose_load_fails_leaves_everything(loaded: Pipeline, mode: str) -> None:
    before = loaded.dataset().row_counts().fetchall()
    state = loaded.state
    with pytest.raises(SourceError):
        loaded.run(shop(fail=True), refresh=mode)
    assert loaded.dataset().row_counts().fetchall() == before
    assert loaded.state == state


@pytest.mark.parametrize("mode", MODES)
def test_a_refresh_that_is_overtaken_comes_after_the_other_run(loaded: Pipeline, mode: str) -> None:
    def rows(cursor: Any = dlt.sources.incremental("id")) -> Iterator[Any]:
        loaded.run(shop("b", first=10))
        yield {"id": 5}

    @dlt.source(name="shop")
    def late() -> Any:
        return dlt.resource(rows, name="b")

    loaded.run(late(), refresh=mode)
    assert ids(loaded, "b") == [5]
    assert cursors(loaded)["b"] == 5


@pytest.mark.parametrize("mode", MODES)
def test_a_refresh_of_a_new_dataset_is_a_first_load(anywhere: Place, mode: str) -> None:
    pipeline = anywhere.pipeline()
    info = pipeline.run(shop(), refresh=mode)
    assert pipeline.dataset().row_counts().fetchall() == [("a", 3), ("a__k", 3), ("b", 3)]
    assert list(info.load_packages[0].dropped_tables) == []


def test_a_refresh_without_any_row_still_drops(loaded: Pipeline) -> None:
    @dlt.source(name="shop")
    def empty() -> Any:
        return dlt.resource([], name="b", write_disposition="replace")

    loaded.run(empty(), refresh="drop_resources")
    assert "b" not in loaded.dataset().tables
    assert cursors(loaded) == {"a": 2}


def test_other_sources_of_the_dataset_stay(loaded: Pipeline) -> None:
    @dlt.source(name="other")
    def other() -> Any:
        return dlt.resource([{"id": 1}], name="kept")

    loaded.run(other())
    loaded.run(shop("b"), refresh="drop_sources")
    assert ids(loaded, "kept") == [1]
    assert loaded.dataset("other").schema.name == "other"


def test_a_pipeline_can_refresh_in_every_run(anywhere: Place) -> None:
    pipeline = anywhere.pipeline(refresh="drop_data")
    for first in (0, 5):
        pipeline.run(shop("b", first=first))
        assert ids(pipeline, "b") == [first, first + 1, first + 2]


def test_an_unknown_refresh_is_refused_before_anything_is_fetched(
    anywhere: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(anywhere.folder)
    with pytest.raises(ConfigError, match="there is no refresh 'drop_source'") as e:
        anywhere.pipeline().run(shop(), refresh="drop_source")
    assert "Did you mean 'drop_sources'?" in str(e.value)
    with pytest.raises(ConfigError, match="there is no refresh 'all'"):
        dlt.pipeline("shop", destination="duckdb", refresh="all")


def test_dev_mode_loads_into_a_dataset_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pipeline = dlt.pipeline("shop", destination="duckdb", dataset_name="data", dev_mode=True)
    assert pipeline.dataset_name.startswith("data_20")
    assert pipeline.first_run
    pipeline.run(shop())
    assert dlt.pipeline("shop", destination="duckdb", dataset_name="data").first_run
