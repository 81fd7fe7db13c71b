"""The naming conventions, against what dlt was seen to do and against dlt itself."""

import importlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odp_dlt.errors import ConfigError
from odp_dlt.schema.naming import EMPTY, Naming, naming_convention

SNAKE_CASE = [  # raw, as an identifier, as a path
    ("id", "id", "id"),
    ("ID", "id", "id"),
    ("Id", "id", "id"),
    ("customerName", "customer_name", "customer_name"),
    ("CustomerName", "customer_name", "customer_name"),
    ("HTTPResponseCode", "http_response_code", "http_response_code"),
    ("getHTTPResponse", "get_http_response", "get_http_response"),
    ("userID", "user_id", "user_id"),
    ("userIDs", "user_i_ds", "user_i_ds"),
    ("iPhone", "i_phone", "i_phone"),
    ("XMLHttpRequest", "xml_http_request", "xml_http_request"),
    ("OAuth2Token", "o_auth2_token", "o_auth2_token"),
    ("v1Api", "v1_api", "v1_api"),
    ("item2Name", "item2_name", "item2_name"),
    ("A1B2", "a1_b2", "a1_b2"),
    ("aBC", "a_bc", "a_bc"),
    ("ABc", "a_bc", "a_bc"),
    ("abcDEF", "abc_def", "abc_def"),
    ("ABC", "abc", "abc"),
    ("aB", "a_b", "a_b"),
    ("AB", "ab", "ab"),
    ("A", "a", "a"),
    ("a", "a", "a"),
    ("_", "x", "x"),
    ("__", "xx", "_empty"),
    ("___", "xxx", "x"),
    ("____", "xxxx", "_empty"),
    ("Customer Name", "customer_name", "customer_name"),
    ("customer  name", "customer_name", "customer_name"),
    ("leading", "leading", "leading"),
    ("trailing ", "trailing", "trailing"),
    ("tab\tname", "tab_name", "tab_name"),
    ("new\nline", "new_line", "new_line"),
    ("customer-name", "customer_name", "customer_name"),
    ("customer.name", "customer_name", "customer_name"),
    ("a.b.c", "a_b_c", "a_b_c"),
    ("a/b", "a_b", "a_b"),
    ("a\\b", "a_b", "a_b"),
    ("a:b", "a_b", "a_b"),
    ("a;b", "a_b", "a_b"),
    ("a,b", "a_b", "a_b"),
    ("a|b", "alb", "alb"),
    ("a+b", "axb", "axb"),
    ("a*b", "axb", "axb"),
    ("a@b", "aab", "aab"),
    ("a#b", "a_b", "a_b"),
    ("a$b", "a_b", "a_b"),
    ("a%b", "a_b", "a_b"),
    ("a^b", "a_b", "a_b"),
    ("a&b", "a_b", "a_b"),
    ("a=b", "a_b", "a_b"),
    ("a!b", "a_b", "a_b"),
    ("a?b", "a_b", "a_b"),
    ("a<b>", "a_bx", "a_bx"),
    ("(a)", "_ax", "_ax"),
    ("[a]", "_ax", "_ax"),
    ("{a}", "_ax", "_ax"),
    ("'a'", "_ax", "_ax"),
    ('"a"', "_ax", "_ax"),
    ("`a`", "_ax", "_ax"),
    ("a~b", "a_b", "a_b"),
    ("+1", "x1", "x1"),
    ("-1", "_1", "_1"),
    ("1", "_1", "_1"),
    ("123", "_123", "_123"),
    ("1abc", "_1abc", "_1abc"),
    ("2024-01-01", "_2024_01_01", "_2024_01_01"),
    ("9_lives", "_9_lives", "_9_lives"),
    ("_1", "_1", "_1"),
    ("__1a", "_1a", "_1a"),
    ("a1", "a1", "a1"),
    ("1__a", "_1_a", "_1__a"),
    ("_private", "_private", "_private"),
    ("__dunder__", "_dunderxx", "dunder"),
    ("name_", "namex", "namex"),
    ("name__", "namexx", "name"),
    ("a__b", "a_b", "a__b"),
    ("a___b", "a_b", "a___b"),
    ("a____b", "a_b", "a__b"),
    ("_a_", "_ax", "_ax"),
    ("__a__b__", "_a_bxx", "a__b"),
    ("trailing___", "trailingxxx", "trailing__x"),
    ("a_x", "a_x", "a_x"),
    ("xName", "x_name", "x_name"),
    ("namex", "namex", "namex"),
    ("_dlt_id", "_dlt_id", "_dlt_id"),
    ("_dlt_load_id", "_dlt_load_id", "_dlt_load_id"),
    ("_DltId", "_dlt_id", "_dlt_id"),
    ("żółć", "x", "x"),
    ("Ñandú", "_andx", "_andx"),
    ("naïve", "na_ve", "na_ve"),
    ("straße", "stra_e", "stra_e"),
    ("日本語", "x", "x"),
    ("привет", "x", "x"),
    ("Ωmega", "_mega", "_mega"),
    ("名前 name", "_name", "_name"),
    ("😀", "x", "x"),
    ("a😀b", "a_b", "a_b"),
    ("😀😀", "x", "x"),
    ("é", "x", "x"),
    ("ﬁ", "x", "x"),
    ("\uff41\uff42\uff43", "x", "x"),
    ("İstanbul", "_stanbul", "_stanbul"),
    ("ǅ", "x", "x"),
    ("٣", "_٣", "_٣"),
    ("x²", "xx", "xx"),
    ("select", "select", "select"),
    ("order", "order", "order"),
    ("group", "group", "group"),
    ("table", "table", "table"),
    ("from", "from", "from"),
    ("user", "user", "user"),
    ("value", "value", "value"),
    ("Value", "value", "value"),
    ("list", "list", "list"),
    ("$ref", "_ref", "_ref"),
    ("@type", "atype", "atype"),
    ("#text", "_text", "_text"),
    ("%", "x", "x"),
    ("*", "x", "x"),
    ("-", "x", "x"),
    ("--", "xx", "xx"),
    ("+", "x", "x"),
    ("@", "a", "a"),
    ("|", "l", "l"),
    (",", "x", "x"),
    ("!", "x", "x"),
    ("a-", "ax", "ax"),
    ("a+", "ax", "ax"),
    ("a*", "ax", "ax"),
    ("a@", "aa", "aa"),
    ("a|", "al", "al"),
    ("a,", "ax", "ax"),
    ("-a", "_a", "_a"),
    ("+a", "xa", "xa"),
    ("*a", "xa", "xa"),
    ("@a", "aa", "aa"),
    ("|a", "la", "la"),
    ("a--b", "a_b", "a_b"),
    ("a - b", "a_b", "a_b"),
    ("A-B", "a_b", "a_b"),
    ("A_B", "a_b", "a_b"),
    ("AA_BB", "aa_bb", "aa_bb"),
    ("camelCase_With_Snake", "camel_case_with_snake", "camel_case_with_snake"),
    ("Camel__Case", "camel_case", "camel__case"),
    ("camel__Case", "camel_case", "camel__case"),
    ("snake_case_2", "snake_case_2", "snake_case_2"),
    ("col1", "col1", "col1"),
    ("Col 1", "col_1", "col_1"),
    ("col#1", "col_1", "col_1"),
    ("1st Name", "_1st_name", "_1st_name"),
    ("% change", "_change", "_change"),
    ("Amount ($)", "amountx", "amountx"),
    ("Amount (€)", "amountx", "amountx"),
    ("N°", "nx", "nx"),
    ("á", "ax", "ax"),
    ("\u200b", "x", "x"),
    ("a\u200bb", "a_b", "a_b"),
    ("a\xa0b", "a_b", "a_b"),
    (" leading", "leading", "leading"),
    ("trailing ", "trailing", "trailing"),
    ("", "_empty", "_empty"),
    (" \t\n", "_empty", "_empty"),
]

LONG = "this_is_a_very_long_identifier_that_goes_past_sixty_three_characters_for_sure"

SHORTENED = [
    (63, LONG, "this_is_a_very_long_identifie83mizwty_three_characters_for_sure"),
    (63, LONG + "2", "this_is_a_very_long_identifiep9ia7ay_three_characters_for_sure2"),
    (63, "a" * 63, "a" * 63),
    (63, "a" * 64, "a" * 29 + "fv1mma" + "a" * 28),
    (63, "a" * 65, "a" * 29 + "xxvnwa" + "a" * 28),
    (10, LONG, "th83mizwre"),
    (20, LONG, "this_is83mizwor_sure"),
    (30, LONG, "this_is_a_ve83mizwers_for_sure"),
]

CONVENTIONS = ("direct", "duck_case", "sql_ci_v1", "sql_cs_v1")
BY_CONVENTION = [  # raw, then what each of them makes of it
    ("customerName", "customerName", "customerName", "customername", "customerName"),
    ("Customer Name", "Customer Name", "Customer Name", "customer_name", "Customer_Name"),
    ("id__x", "id__x", "id_x", "id_x", "id_x"),
    ("_x_", "_x_", "_x_", "_x", "_x"),
    ("Żółć", "Żółć", "Żółć", "_", "_"),
    ("1a", "1a", "1a", "_1a", "_1a"),
    ("a.b", "a.b", "a.b", "a_b", "a_b"),
    ("@type", "@type", "@type", "_type", "_type"),
    ("a\nb", "a_b", "a_b", "a_b", "a_b"),
]

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.text(
    "abXYZ019_▶ -+@|\"'\né٣", max_size=30
)
conventions = st.sampled_from(["snake_case", *CONVENTIONS])
limits = st.sampled_from([6, 7, 10, 63, 65536])


def oracle(name: str, max_length: int) -> Any:
    module = importlib.import_module(f"dlt.common.normalizers.naming.{name}")
    return module.NamingConvention(max_length)


@pytest.mark.parametrize(("raw", "identifier", "path"), SNAKE_CASE)
def test_snake_case_names_as_dlt_does(raw: str, identifier: str, path: str) -> None:
    snake_case = naming_convention("snake_case")

    assert snake_case.identifier(raw) == identifier
    assert snake_case.path(raw) == path


@pytest.mark.parametrize(("raw", "expected"), [(row[0], row[1:]) for row in BY_CONVENTION])
def test_the_other_conventions_name_as_dlt_does(raw: str, expected: tuple[str, ...]) -> None:
    assert tuple(naming_convention(name).identifier(raw) for name in CONVENTIONS) == expected


@pytest.mark.parametrize(("max_length", "raw", "expected"), SHORTENED)
def test_a_long_name_is_cut_in_the_middle_and_tagged(
    max_length: int, raw: str, expected: str
) -> None:
    assert naming_convention("snake_case", max_length).path(raw) == expected


def test_the_tag_of_a_joined_name_is_that_of_the_whole() -> None:
    parts = ("parent_table_name_quite_long", "child_list_name_quite_long", "grand_child_name_long")

    joined = naming_convention("snake_case", 63).join(*parts)

    assert joined == "parent_table_name_quite_long_ldzacq_long__grand_child_name_long"


def test_direct_joins_with_its_own_separator() -> None:
    direct = naming_convention("direct")

    assert direct.join("My Table", "Kids") == "My Table▶Kids"
    assert direct.path("My Table▶▶Kids") == "My Table▶Kids"


@pytest.mark.parametrize("name", ["snake_case", *CONVENTIONS])
@pytest.mark.parametrize("raw", ["", "  ", "__", "____", "▶", "_ _", "___ __"])
def test_no_name_becomes_empty(name: str, raw: str) -> None:
    naming = naming_convention(name)

    assert naming.identifier(raw)
    assert naming.path(raw)


def test_a_name_of_separators_only_is_the_name_of_the_empty_key() -> None:
    assert naming_convention("snake_case").path("__") == EMPTY
    assert naming_convention("direct").path("▶") == EMPTY


@pytest.mark.parametrize(
    "name",
    [
        "sql_ci_v1",
        "dlt.common.normalizers.naming.sql_ci_v1",
        "dlt.common.normalizers.names.sql_ci_v1",
    ],
)
def test_a_convention_is_found_by_its_short_name_and_by_its_module(name: str) -> None:
    assert naming_convention(name, 30) == Naming("sql_ci_v1", 30)


@pytest.mark.parametrize("name", ["snake-case", "my.own.snake_case", "s3_tables", ""])
def test_an_unknown_convention_is_an_error_that_lists_the_known_ones(name: str) -> None:
    with pytest.raises(ConfigError, match="sql_ci_v1") as error:
        naming_convention(name)

    assert f"'{name}'" in error.value.message


@settings(max_examples=400, deadline=None)
@given(conventions, limits, names)
def test_any_name_becomes_what_dlt_makes_of_it(name: str, max_length: int, raw: str) -> None:
    dlt_naming, naming = oracle(name, max_length), naming_convention(name, max_length)

    if raw.strip():
        assert naming.identifier(raw) == (
            dlt_naming.normalize_identifier(raw) or EMPTY[:max_length]
        )
    assert naming.path(raw) == (dlt_naming.normalize_path(raw) or EMPTY)


@settings(max_examples=200, deadline=None)
@given(conventions, limits, st.lists(names, min_size=1, max_size=4))
def test_any_joined_name_is_what_dlt_makes_of_it(
    name: str, max_length: int, parts: list[str]
) -> None:
    joined = naming_convention(name, max_length).join(*parts)

    assert joined == oracle(name, max_length).shorten_fragments(*parts)


@settings(max_examples=200, deadline=None)
@given(conventions, limits, names)
def test_a_normalized_name_stays_as_it_is(name: str, max_length: int, raw: str) -> None:
    naming = naming_convention(name, max_length)
    once = naming.path(raw)

    assert len(once) <= max_length
    # as in dlt a cut name can end in an underscore, and a piece of it can be nothing but one
    if max_length > len(raw) * 3 and "" not in once.split(naming.separator):
        assert naming.path(once) == once
