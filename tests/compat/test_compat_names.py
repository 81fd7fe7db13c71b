"""Names: keys as columns, nested tables and tables, under every naming convention."""

from pathlib import Path

import pytest

from odp_dlt.errors import ConfigError
from tests.compat.differences import DIFFERENCES
from tests.compat.oracle import Both, Case, by_both, by_dlt, by_ours, case, hold, plain_rows

KEYS = [
    *(
        "id",
        "customerName",
        "HTTPResponseCode",
        "getHTTPResponse",
        "userIDs",
        "iPhone",
        "OAuth2Token",
    ),
    *("A1B2", "aBC", "ABc", "_", "___", "Customer Name", "customer  name", " leading", "trailing "),
    *(
        "tab\tname",
        "new\nline",
        "customer-name",
        "a.b.c",
        "a/b",
        "a\\b",
        "a:b",
        "a|b",
        "a+b",
        "a*b",
    ),
    *(
        "a@b",
        "a#b",
        "a$b",
        "a%b",
        "a<b>",
        "(a)",
        "'a'",
        '"a"',
        "+1",
        "-1",
        "1",
        "1abc",
        "2024-01-02",
    ),
    *("9_lives", "__1a", "1__a", "_private", "__dunder__", "name_", "name__", "a__b", "a___b"),
    *(
        "a____b",
        "_a_",
        "__a__b__",
        "trailing___",
        "xName",
        "żółć",
        "Ñandú",
        "naïve",
        "straße",
        "日本語",
    ),
    *(
        "Ωmega",
        "名前 name",
        "😀",
        "a😀b",
        "ﬁ",
        "İstanbul",
        "٣",
        "x²",
        "select",
        "order",
        "$ref",
        "@type",
    ),
    *("#text", "%", "*", "--", "+", "@", "|", ",", "a-", "a+", "a@", "-a", "a--b", "A_B", "AA_BB"),
    *("camelCase_With_Snake", "Camel__Case", "snake_case_2", "Col 1", "1st Name", "% change"),
    *(
        "Amount ($)",
        "N°",
        "á",
        "\u200b",
        "a\u200bb",
        "a\xa0b",
        "this_is_a_very_long_identifier" * 9,
    ),
]
TABLES = [
    *("UserEvents", "my table", "a__b", "_hidden", "__dunder", "trail_", "żółć", "1table", "t-1+2"),
    *("Some Table-Name", "x@y"),
]
CONVENTIONS = ["snake_case", "direct", "sql_ci_v1", "sql_cs_v1", "duck_case"]

COLUMNS = [case(f"c{n}", {"a0": 0, key: 1}) for n, key in enumerate(KEYS)]
NESTED = [case(f"n{n}", {"a0": [{key: [{key: 1}]}]}) for n, key in enumerate(KEYS)]
ROOTS = [case(name, {"id": 1, "Sub List": [{"My Key": {"aB": 1}}]}) for name in TABLES]
FILE_NAMES = [each for n, each in enumerate(NESTED) if KEYS[n].replace(" ", "").isalnum()]
OF_EACH = [*COLUMNS[::4], *FILE_NAMES[::2], *ROOTS]  # dlt names files like tables


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> Both:
    return by_both([*COLUMNS, *ROOTS], tmp_path_factory.mktemp("columns"))


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Both:
    return by_both(NESTED[::2], tmp_path_factory.mktemp("nested"))


@pytest.mark.parametrize("each", [*COLUMNS, *ROOTS], ids=lambda each: each.name)
def test_a_key_becomes_the_column_that_dlt_names(each: Case, columns: Both) -> None:
    hold(each, columns)


@pytest.mark.parametrize("each", NESTED[::2], ids=lambda each: each.name)
def test_a_key_becomes_the_nested_table_that_dlt_names(each: Case, nested: Both) -> None:
    hold(each, nested)


@pytest.mark.parametrize("naming", CONVENTIONS[1:])
def test_other_conventions_name_like_dlt(
    naming: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    both = by_both(OF_EACH, tmp_path_factory.mktemp(naming), naming=naming)
    for each in OF_EACH:
        hold(each, both)


def test_variants_and_lists_are_named_by_the_convention(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    mixed = case("Mixed", {"My Key": 1, "L": [[1], {"a B": 1}]}, {"My Key": "x", "L": ["x", 2]})
    both = by_both([mixed], tmp_path_factory.mktemp("direct"), naming="direct")
    hold(mixed, both)


def test_tables_whose_names_become_one_are_one_in_dlt(tmp_path: Path) -> None:
    assert "colliding tables" in DIFFERENCES
    cases = [case("Issues", {"a": 1}), case("issues", {"b": 2})]
    theirs = by_dlt(cases, tmp_path)
    assert plain_rows(theirs) == {"issues": [{"a": 1}, {"b": 2}]}
    with pytest.raises(ConfigError, match="'Issues' and 'issues' would both be named 'issues'"):
        by_ours(cases, tmp_path)
