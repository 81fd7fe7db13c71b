"""Sources and resources, and the pages that come of them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
import pytest

from odp_dlt.errors import ConfigError, ContractError, MissingSetting, SourceError
from odp_dlt.extract import current
from odp_dlt.extract.decorators import SourceFactory, resource, source
from odp_dlt.extract.inject import TSecretStrValue, Values
from odp_dlt.extract.pages import Page, pages
from odp_dlt.extract.resource import Resource
from odp_dlt.extract.source import Source
from odp_dlt.settings import Settings

NOTHING = Settings((), {})
secrets, config = Values(secret=True), Values(secret=False)


def run(
    given: Source | Resource, state: dict[str, Any] | None = None, settings: Settings = NOTHING
) -> list[Page]:
    """All pages of one source."""
    whole = given if isinstance(given, Source) else Source("src", [given], section="sect")
    return list(pages([whole], {} if state is None else state, settings, "pipe"))


def counting(name: str, count: int) -> Resource:
    def numbers() -> Iterator[Any]:
        for number in range(count):
            yield {"n": number}

    made = resource(numbers, name=name)
    assert isinstance(made, Resource)
    return made


def test_resources_take_turns_one_yield_at_a_time() -> None:
    three = Source("s", [counting("a", 3), counting("b", 1), counting("c", 2)])
    order = [(page.resource.name, page.rows[0]["n"]) for page in run(three)]
    assert order == [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("c", 1), ("a", 2)]


def test_whatever_is_yielded_becomes_pages_of_rows() -> None:
    table = pa.table({"a": [1]})

    @resource
    def rows() -> Iterator[Any]:
        yield {"a": 1}
        yield [{"a": 2}, {"a": 3}]
        yield None
        yield []
        yield 4
        yield table

    assert [page.rows for page in run(rows)] == [[{"a": 1}], [{"a": 2}, {"a": 3}], [4], table]


def test_maps_and_filters_work_row_by_row_in_their_order() -> None:
    given = resource([1, 2, 3, 4], name="r")
    given.add_map(lambda n: n * 10).add_filter(lambda n: n > 10).add_yield_map(lambda n: [n, n + 1])
    assert list(given) == [20, 21, 30, 31, 40, 41]


@pytest.mark.parametrize("count", [0, 1, 2, 3, -1, None])
def test_a_limit_counts_yields_as_dlt_does(count: int | None) -> None:
    def rows() -> Iterator[Any]:
        yield [1, 2]
        yield []
        yield None
        yield [3]
        yield [4]

    prepares: list[Callable[[Any], Any]] = [lambda r: r, lambda r: r.add_filter(lambda n: n > 2)]
    for prepare in prepares:
        ours = list(prepare(resource(rows, name="r")).add_limit(count))
        theirs = list(prepare(dlt.resource(rows, name="r")).add_limit(count))
        assert ours == theirs


def test_a_limit_can_count_rows_but_does_not_cut_a_page() -> None:
    given = resource(iter([[1, 2], [3, 4], [5]]), name="r").add_limit(3, count_rows=True)
    assert list(given) == [1, 2, 3, 4]


def test_state_is_laid_out_as_dlts_and_kept_between_runs() -> None:
    @resource
    def rows() -> Iterator[Any]:
        mine = current.resource_state()
        mine["runs"] = mine.get("runs", 0) + 1
        current.source_state()["seen"] = current.resource_name()
        yield {"run": mine["runs"]}

    state: dict[str, Any] = {}
    run(rows, state)
    run(rows, state)
    assert state == {"sources": {"src": {"resources": {"rows": {"runs": 2}}, "seen": "rows"}}}


def test_a_resource_that_replaces_its_table_starts_with_a_fresh_state() -> None:
    state = {"sources": {"src": {"resources": {"r": {"old": 1}, "s": {"old": 1}}}}}
    run(resource([1], name="r", write_disposition="replace"), state)
    assert state["sources"]["src"]["resources"] == {"s": {"old": 1}}


def test_state_outside_of_a_resource_is_refused() -> None:
    with pytest.raises(SourceError, match="no resource was being extracted"):
        current.resource_state()


def test_an_error_of_the_users_code_is_told_with_resource_page_and_line() -> None:
    @resource
    def rows() -> Iterator[Any]:
        yield 1
        _ = int("no number")

    line = (
        test_an_error_of_the_users_code_is_told_with_resource_page_and_line.__code__.co_firstlineno
    )
    with pytest.raises(SourceError) as error:
        run(rows)
    assert error.value.at == f"{__file__}:{line + 4}"
    assert error.value.message == (
        "resource 'rows', at page 2, raised ValueError:"
        " invalid literal for int() with base 10: 'no number'"
    )
    assert isinstance(error.value.__cause__, ValueError)


def test_errors_of_the_tree_pass_as_they_are() -> None:
    refused = ContractError("as it is")

    @resource
    def rows() -> Iterator[Any]:
        yield 1
        raise refused

    with pytest.raises(ContractError) as error:
        run(rows)
    assert error.value is refused


def test_generators_are_closed_when_the_reader_stops() -> None:
    closed = []

    @resource
    def rows() -> Iterator[Any]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(current.resource_name())

    reading = pages([Source("s", [rows])], {}, NOTHING, "p")
    next(reading)
    reading.close()
    assert closed == ["rows"]


def test_with_resources_is_a_new_source_that_loads_only_those() -> None:
    whole = Source("s", [counting("a", 1), counting("b", 1)])
    part = whole.with_resources("b")
    assert [page.resource.name for page in run(part)] == ["b"]
    assert list(whole.selected_resources) == ["a", "b"]
    assert part.b is part.resources["b"]
    with pytest.raises(ConfigError, match="Did you mean 'a'"):
        Source("s", [counting("a", 1)]).with_resources("aa")


def test_a_call_binds_arguments_in_a_new_resource() -> None:
    @resource
    def rows(first: int, second: int = 2) -> Iterator[Any]:
        yield {"first": first, "second": second}

    assert list(rows(1)) == [{"first": 1, "second": 2}]
    assert list(rows(5, second=6).with_name("other")) == [{"first": 5, "second": 6}]
    with pytest.raises(ConfigError, match="no value for its argument 'first'"):
        list(rows)
    with pytest.raises(ConfigError, match="unexpected keyword argument 'third'"):
        rows(1, third=3)


def test_settings_fill_the_arguments_that_a_source_is_not_given(monkeypatch: Any) -> None:
    @source(section="mod")
    def api(
        token: str = secrets.value,
        limit: int = 5,
        key: TSecretStrValue = "",
        name: Any = config.value,
        plain: str = "default",
    ) -> Any:
        return resource([token, limit, key, name, plain], name="r")

    variables = {"TOKEN": "t", "SOURCES__LIMIT": "7", "SOURCES__MOD__API__KEY": "k", "NAME": "n"}
    with current.running(current.Running(Settings((), variables))):
        assert list(api().r) == ["t", 7, "k", "n", "default"]
        assert list(api("given", limit="9").r) == ["given", "9", "k", "n", "default"]


def test_a_resource_inside_a_source_gets_only_what_its_defaults_ask_for() -> None:
    @source(section="mod")
    def api() -> Any:
        @resource
        def rows(token: str = secrets.value, limit: int = 5) -> Iterator[Any]:
            yield [token, limit]

        return rows

    variables = {"SOURCES__MOD__ROWS__TOKEN": "t", "LIMIT": "9"}
    assert [page.rows for page in run(api(), settings=Settings((), variables))] == [["t", 5]]


def test_a_missing_secret_names_the_source_and_its_line(tmp_path: Path) -> None:
    @source
    def api(token: str = secrets.value) -> Any:
        return resource([token], name="r")

    with (
        current.running(current.Running(Settings.from_folder(tmp_path, {}))),
        pytest.raises(MissingSetting, match="source 'api', argument 'token'") as error,
    ):
        api()
    assert str(error.value.at).startswith(__file__)
    assert "SOURCES__TEST_EXTRACT_PAGES__API__TOKEN" in str(error.value)


def test_secrets_and_config_are_read_by_name_too() -> None:
    with current.running(current.Running(Settings((), {"A__B": "1"}))):
        assert config["a.b"] == "1"
        assert config.get("a.b", int) == 1
        assert secrets.get("a.c") is None
        with pytest.raises(MissingSetting):
            _ = secrets["a.c"]


def test_a_source_can_be_found_without_being_called() -> None:
    @source
    def api() -> None:
        raise AssertionError

    assert isinstance(api, SourceFactory)
    assert (api.name, api.is_source) == ("api", True)
    assert str(api.place).startswith(__file__)


def test_a_source_may_yield_return_one_or_return_many() -> None:
    @source
    def yields() -> Iterator[Any]:
        yield counting("a", 1)
        yield counting("b", 1)

    @source(name="named", max_table_nesting=2)
    def one() -> Any:
        return counting("a", 1)

    assert list(yields().resources) == ["a", "b"]
    assert (one().name, one().max_table_nesting, list(one().resources)) == ("named", 2, ["a"])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (None, "returned None"),
        ([{"a": 1}], "gave a dict where a resource should be"),
        ([counting("a", 1), counting("a", 1)], "two resources named 'a'"),
    ],
)
def test_a_source_that_gives_no_proper_resources_is_told_with_its_line(
    given: Any, says: str
) -> None:
    @source
    def wrong() -> Any:
        return given

    with pytest.raises(SourceError, match=says) as error:
        wrong()
    assert str(error.value.at).startswith(__file__)


@pytest.mark.parametrize("given", [None, {"a": 1}, "text", 5])
def test_a_function_that_gives_no_rows_is_an_error(given: Any) -> None:
    with pytest.raises(SourceError, match="not rows"):
        run(resource(lambda: given, name="r"))


def test_rows_without_a_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="a resource of a list has no name"):
        resource([1])


def test_a_generator_that_was_read_already_is_refused() -> None:
    given = resource(iter_once(), name="r")
    assert list(given) == [1]
    with pytest.raises(SourceError, match="was read already"):
        list(given)


def iter_once() -> Iterator[int]:
    """One number."""
    yield 1


def test_a_secret_that_may_be_none_is_none_where_there_is_none() -> None:
    @source
    def api(token: str | None = secrets.value) -> Any:
        return resource([{"token": token}], name="rows")

    assert list(api()) == [{"token": None}]
