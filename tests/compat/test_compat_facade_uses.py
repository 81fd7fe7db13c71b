"""Values, columns and names: what dlt's sources do with them, the same here and in dlt."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odp_dlt.errors import ConfigError

BOTH = pytest.mark.parametrize("package", ["dlt", "odp_dlt.dlt"], ids=["dlt", "ours"])
Json = dict[str, Any]


def module(package: str, name: str) -> Any:
    return import_module(f"{package}.{name}")


def outcome(call: Any, *args: Any) -> Any:
    """What a call gives, or that it raises ValueError."""
    try:
        return call(*args)
    except ValueError:
        return ValueError


# ---- jsonpath

DATA = {
    "id": 1,
    "a b": {"c": 2},
    "page": {"items": [{"n": 1, "tags": ["x"]}, {"n": 2}], "next": None},
    "list": [[1, 2], [3]],
}
PATHS = [
    *("id", "$.id", "$", "page.items", "$.page.items[*].n", "page.items.[0].n", "page.items[1]"),
    *("page.items[*].tags[*]", "page.next", "page.*", "*", "nothing", "page.nothing.more"),
    *("'a b'.c", '"a b"', "['a b']", "list[*][0]", "list[7]", "$..n", "page..tags", "id.deeper"),
]


@pytest.mark.parametrize("path", PATHS)
def test_a_json_path_finds_what_it_finds_in_dlt(path: str) -> None:
    theirs, ours = (module(package, "common.jsonpath") for package in ("dlt", "odp_dlt.dlt"))
    assert ours.find_values(path, DATA) == theirs.find_values(path, DATA)
    compiled = ours.compile_path(path)
    assert ours.find_values(compiled, DATA) == ours.find_values(path, DATA)


@BOTH
def test_json_paths_are_resolved_removed_and_set(package: str) -> None:
    jsonpath = module(package, "common.jsonpath")
    assert jsonpath.resolve_paths("$.page.items[*].n", DATA) == [
        "page.items.[0].n",
        "page.items.[1].n",
    ]
    data: Json = {"a": {"b": 1, "c": 2}, "d": [{"b": 3}, {"e": 4}]}
    jsonpath.delete_matches(["a.b", "d[*].b"], data)
    jsonpath.set_value_at_path(data, "f.g", 5)
    assert data == {"a": {"c": 2}, "d": [{}, {"e": 4}], "f": {"g": 5}}


def test_a_json_path_that_is_not_known_here_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'a\[\?\(@\.b\)\]' is not supported"):
        module("odp_dlt.dlt", "common.jsonpath").find_values("a[?(@.b)]", {})


# ---- values, columns, names


class Colour(Enum):
    RED = "red"


VALUES: list[tuple[str, Any]] = [
    *(("text", text) for text in ("5", " 7 ", "0x10", "1.50", "x", "", "true", '{"a": [1]}')),
    *(("text", text) for text in ("2024-01-02", "2024-01-02T03:04:05+02:00", "03:04:05", "YWI=")),
    *(("bigint", number) for number in (0, 5, 1_700_000_000)),
    *(("double", number) for number in (1.5, 2.0)),
    *(("decimal", Decimal(text)) for text in ("1.50", "3")),
    ("bool", True),
    ("binary", b"ab"),
    ("date", date(2024, 1, 2)),
    ("time", time(3, 4, 5)),
    ("timestamp", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ("json", {"a": [1, None]}),
]
TYPES = [
    *("text", "bigint", "double", "decimal", "wei", "bool", "binary", "json"),
    *("date", "time", "timestamp"),
]


@pytest.mark.parametrize("to", TYPES)
@pytest.mark.parametrize(("kind", "value"), VALUES, ids=str)
def test_a_value_is_coerced_as_dlt_coerces_it(to: str, kind: str, value: Any) -> None:
    name = "common.data_types.type_helpers"
    theirs = outcome(module("dlt", name).coerce_value, to, kind, value)
    ours = outcome(module("odp_dlt.dlt", name).coerce_value, to, kind, value)
    assert ours == theirs
    assert isinstance(ours, bool) == isinstance(theirs, bool)


@BOTH
def test_an_enum_is_coerced_to_what_it_holds(package: str) -> None:
    coerce_value = module(package, "common.data_types.type_helpers").coerce_value
    assert coerce_value("text", "text", Colour.RED) == "red"


COLUMNS = st.fixed_dictionaries(
    {"name": st.just("c")},
    optional={
        "data_type": st.sampled_from(TYPES),
        "nullable": st.booleans(),
        "precision": st.sampled_from([None, 0, 16]),
        "scale": st.sampled_from([None, 0, 2]),
        "timezone": st.sampled_from([None, True, False]),
        "primary_key": st.booleans(),
        "x-active-record-timestamp": st.none(),
        "x-own": st.sampled_from([False, None, "said"]),
    },
)


@given(COLUMNS, COLUMNS, st.booleans())
def test_columns_are_merged_as_in_dlt(a: Json, b: Json, merge_defaults: bool) -> None:
    theirs, ours = (module(p, "common.schema.utils") for p in ("dlt", "odp_dlt.dlt"))
    mine = dict(a)
    merged = ours.merge_column(mine, b, merge_defaults)
    assert merged is mine
    assert merged == theirs.merge_column(dict(a), b, merge_defaults)


@given(st.lists(COLUMNS, max_size=3), st.booleans())
def test_columns_are_found_by_what_they_say_as_in_dlt(columns: list[Json], all_of: bool) -> None:
    named = [{**column, "name": f"c{place}"} for place, column in enumerate(columns)]
    for prop in ("primary_key", "nullable", "timezone", "x-own"):
        theirs, ours = (
            utils.get_columns_names_with_prop(utils.new_table("t", columns=named), prop, all_of)
            for utils in (module(p, "common.schema.utils") for p in ("dlt", "odp_dlt.dlt"))
        )
        assert ours == theirs


@pytest.mark.parametrize("parent", [None, "p"])
@pytest.mark.parametrize("disposition", [None, "merge"])
def test_tables_and_columns_are_written_as_in_dlt(
    parent: str | None, disposition: str | None
) -> None:
    def written(utils: Any) -> Any:
        column = utils.new_column("c", "decimal", nullable=False, precision=10, scale=2)
        return utils.new_table("t", parent, disposition, [column], resource="r")

    theirs, ours = (module(p, "common.schema.utils") for p in ("dlt", "odp_dlt.dlt"))
    assert written(ours) == written(theirs)
    assert module("odp_dlt.dlt", "common.schema.typing").DLT_NAME_PREFIX == "_dlt"


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20)


@pytest.mark.parametrize(
    "convention", ["snake_case", "direct", "duck_case", "sql_ci_v1", "sql_cs_v1"]
)
@given(name=NAMES.filter(str.strip), longest=st.sampled_from([None, 12]))
def test_a_naming_convention_names_as_dlts_does(
    convention: str, name: str, longest: int | None
) -> None:
    path = f"common.normalizers.naming.{convention}"
    theirs, ours = (module(p, path).NamingConvention(longest) for p in ("dlt", "odp_dlt.dlt"))
    if set(name) != {"_"} and outcome(theirs.normalize_identifier, name):
        assert ours.normalize_identifier(name) == theirs.normalize_identifier(name)
    assert ours.make_path("a", "", "b") == theirs.make_path("a", "", "b")
    whole = theirs.make_path("a", "b")
    assert list(ours.break_path(whole)) == list(theirs.break_path(whole))
    assert ours.shorten_fragments("parent", "child") == theirs.shorten_fragments("parent", "child")
    assert ours.is_case_sensitive == theirs.is_case_sensitive


@BOTH
def test_a_name_of_nothing_is_no_name(package: str) -> None:
    naming = module(package, "common.normalizers.naming.snake_case").NamingConvention()
    with pytest.raises(ValueError):
        naming.normalize_identifier("  ")


# ---- PostgreSQL


@pytest.mark.parametrize("name", ["plain", "With Blank", 'a "quoted" one'])
def test_names_of_postgres_are_quoted_as_in_dlt(name: str) -> None:
    theirs, ours = (module(p, "common.data_writers.escape") for p in ("dlt", "odp_dlt.dlt"))
    assert ours.escape_postgres_identifier(name) == theirs.escape_postgres_identifier(name)


def mapper(package: str) -> Any:
    postgres = getattr(module(package, "destinations"), "postgres")  # noqa: B009 - made by its name
    factory = module(package, "destinations.impl.postgres.factory")
    return factory.PostgresTypeMapper(postgres().capabilities())


POSTGRES_TYPES = [
    *("smallint", "integer", "bigint", "double precision", "boolean", "bytea", "date", "jsonb"),
    *("numeric", "time without time zone", "timestamp with time zone", "varchar", "json"),
    *("character varying", "timestamp without time zone", "geometry(Point)", "uuid"),
]


@pytest.mark.parametrize("name", POSTGRES_TYPES)
@pytest.mark.parametrize("size", [(None, None), (10, 2), (156, 78), (64, 0)])
def test_a_type_of_postgres_becomes_dlts_column_type(name: str, size: tuple[Any, Any]) -> None:
    theirs, ours = (mapper(package) for package in ("dlt", "odp_dlt.dlt"))
    assert ours.from_destination_type(name, *size) == theirs.from_destination_type(name, *size)


@pytest.mark.parametrize("data_type", TYPES)
@pytest.mark.parametrize("size", [{}, {"precision": 5}, {"precision": 5, "scale": 2}])
def test_a_column_type_becomes_the_type_of_postgres_that_dlt_gives_it(
    data_type: str, size: Json
) -> None:
    if (data_type == "wei" and size) or (data_type in ("text", "time") and "scale" in size):
        return  # ours is one type, of all the digits that dlt's can have; dlt fails on the others
    column = {"name": "c", "data_type": data_type, **size}
    theirs, ours = (
        mapper(package).to_destination_type(column, {"name": "t"})
        for package in ("dlt", "odp_dlt.dlt")
    )
    wide = ours.replace("character varying", "varchar").replace(" ", "")
    assert wide == theirs.replace(" ", "")


URLS = [
    "postgresql://ada:p%40ss@db.example:5433/shop?connect_timeout=3&sslmode=require",
    "postgresql://ada:secret@db.example/shop",
]


@pytest.mark.parametrize("url", URLS)
def test_credentials_of_postgres_are_read_as_in_dlt(url: str) -> None:
    found = []
    for package in ("dlt", "odp_dlt.dlt"):
        made = module(package, "destinations.impl.postgres.configuration").PostgresCredentials()
        made.parse_native_representation(url)
        parts = ("drivername", "username", "password", "host", "port", "database")
        written = made.to_native_representation()
        found.append([*(getattr(made, part) for part in parts), made.connect_timeout, written])
    theirs, ours = found
    assert ours[:-1] == theirs[:-1]
    assert sorted(ours[-1].replace("?", "&").split("&")) == sorted(
        theirs[-1].replace("?", "&").split("&")
    )
