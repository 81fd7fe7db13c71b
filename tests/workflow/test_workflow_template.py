"""Templates in params: what they become, and what is said when they cannot."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odp_dlt.errors import ConfigError
from odp_dlt.workflow.template import PARTITION_NAMES, Known, check, names_in, render, variable_name

VALUES: dict[str, Any] = {
    "context": {"partition_key": "2024-01-02", "run_id": "1a2b3c4d"},
    "resource": {"duckdb": {"path": "a.db", "threads": 4, "settings": {"x.y": True}}},
    "env": {"HOME": "/home/me", "PASS": "s3cret"},
    "utils": {"now": "2024-05-06T07:08:09"},
    "api_pulls": {"destination_table_id": "main.pulls", "dagster/row_count": 7, "nothing": None},
    "new": {},
}
KNOWN = Known(
    ("api/pulls", "x/a_b", "x_a/b", "env"), {"duckdb": ["path", "threads"]}, PARTITION_NAMES
)


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        render({"q": [text]}, VALUES, at=lambda path: "f.yaml:" + "/".join(map(str, path)))
    return str(raised.value).removeprefix("f.yaml:q/0: ")


def seen(text: str, known: Known = KNOWN) -> list[str]:
    return [str(problem) for problem in check({"q": text}, known, lambda path: f"at {path[0]}")]


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("plain } { text", "plain } { text"),
        ("from {{api_pulls.destination_table_id}} x", "from main.pulls x"),
        (
            "{{ context.run_id }}-{{{context.run_id}}}-{{&context.run_id}}",
            "-".join(["1a2b3c4d"] * 3),
        ),
        ("n={{resource.duckdb.threads}}", "n=4"),
        ("{{resource.duckdb.settings.x.y}}", True),
        ("{{api_pulls.dagster/row_count}}", 7),
        ("{{api_pulls.nothing}}", None),
        ("{{resource.duckdb.settings}}", {"x.y": True}),
        ("a{{! a comment }}b", "ab"),
        ("{{#date}}{{context.partition_key}}|%Y/%m/%d{{/date}}.csv", "2024/01/02.csv"),
        ("{{#date}}{{#date}}{{utils.now}}|%Y-%m{{/date}}|%b %Y{{/date}}", "May 2024"),
    ],
)
def test_a_template_is_filled_in(text: str, becomes: Any) -> None:
    assert render(text, VALUES) == becomes


def test_templates_are_filled_in_at_any_depth_but_not_in_keys() -> None:
    params = {"{{k}}": [{"a": "{{env.HOME}}"}, 3, None, ["{{context.run_id}}"]]}
    assert render(params, VALUES) == {"{{k}}": [{"a": "/home/me"}, 3, None, ["1a2b3c4d"]]}


@given(st.text(), st.text(alphabet="&<>\"'`{}=;/ x"))
def test_values_are_neither_escaped_nor_parsed_again(one: str, two: str) -> None:
    values = {"p": {"one": one, "two": two}}
    assert render("q: {{p.one}}|{{p.two}}.", values) == f"q: {one}|{two}."


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_lone_variable_keeps_its_value_and_type(value: Any) -> None:
    found = render({"a": ["{{p.x}}"]}, {"p": {"x": value}})["a"][0]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ("2024-01-02", "2024-01-02 00:00:00"),
        ("2024-01-02-03:00", "2024-01-02 03:00:00"),
        ("2024-01", "2024-01-01 00:00:00"),
        ("2024", "2024-01-01 00:00:00"),
        ("202402", "2024-02-01 00:00:00"),
        ("20240102", "2024-01-02 00:00:00"),
        ("2024/01/02", "2024-01-02 00:00:00"),
        ("2024-01-02T03:04:05Z", "2024-01-02 03:04:05+0000"),
        ("2024-01-02T03:04:05.123456+02:00", "2024-01-02 03:04:05+0200"),
        (" 2024-01-02 03:04\n", "2024-01-02 03:04:00"),
    ],
)
def test_dates_are_read_leniently(value: str, becomes: str) -> None:
    text = "{{#date}}{{p.x}}|%Y-%m-%d %H:%M:%S%z{{/date}}"
    assert render(text, {"p": {"x": value}}) == becomes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "{{contxt.run_id}}",
            "unknown name 'contxt.run_id' in a template\n  Did you mean 'context'? "
            "Known: api_pulls, context, env, new, resource, utils.",
        ),
        (
            "x{{context.partition_window_end}}",
            "unknown name 'context.partition_window_end' in a template\n"
            "  Did you mean 'context.partition_key'? Known: context.partition_key, context.run_id.",
        ),
        (
            "{{resource.duckdb.pth}}",
            "unknown name 'resource.duckdb.pth' in a template\n  Did you mean "
            "'resource.duckdb.path'? "
            "Known: resource.duckdb.path, resource.duckdb.settings, resource.duckdb.threads.",
        ),
        (
            "{{context.run_id.x}}",
            "unknown name 'context.run_id.x' in a template: 'context.run_id' is a single value",
        ),
        (
            "{{api_pulls.table}}",
            "asset 'api_pulls' has no metadata 'table' "
            "(it has: dagster/row_count, destination_table_id, nothing)",
        ),
        (
            "{{new.destination_table_id}}",
            "asset 'new' has no metadata 'destination_table_id' (it has: none)\n"
            "  Materialize 'new' first.",
        ),
        (
            "{{env.NOT_SET}}",
            "the environment variable 'NOT_SET' is not set\n  Set it where the run is started.",
        ),
        (
            "{{env}}",
            "'env' in a template is a group of values, not a value\n  Write {{env.NAME}}.",
        ),
        (
            "id: {{api_pulls.nothing}}",
            "'api_pulls.nothing' is null, which cannot be a part of a text\n"
            "  It can be a param's whole value: '{{api_pulls.nothing}}'.",
        ),
        (
            "id: {{resource.duckdb.settings}}",
            "'resource.duckdb.settings' is a dict, which cannot be a part of a text\n"
            "  It can be a param's whole value: '{{resource.duckdb.settings}}'.",
        ),
        (
            "{{#dat}}x{{/dat}}",
            "unknown helper '{{#dat}}' in a template\n  Did you mean 'date'? Known: date.",
        ),
        (
            "{{#date}}{{context.run_id}}|%Y{{/date}}",
            "'1a2b3c4d' is not a date that can be written as '%Y'\n"
            "  Known are ISO dates and timestamps, and keys like 2024-01-02-03:00 or 2024-01.",
        ),
        (
            "{{#date}}2024-01-01{{/date}}",
            "'2024-01-01' is no date and format for {{#date}}\n"
            "  Write {{#date}}{{context.partition_key}}|%Y-%m-%d{{/date}}.",
        ),
    ],
)
def test_what_cannot_be_filled_in_is_an_error_where_it_stands(text: str, said: str) -> None:
    assert refusal(text) == said


def test_the_names_of_the_environment_are_never_listed() -> None:
    for text in ("{{env.NOT_SET}}", "{{env}}", "{{env.HOME.x}}", "{{nothing.x}}"):
        assert "PASS" not in refusal(text)
        assert "s3cret" not in refusal(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{#date}}x", "a template has '{{#date}}' without '{{/date}}' after it"),
        ("x{{/date}}", "a template has '{{/date}}' without '{{#date}}' before it"),
        (
            "{{#date}}{{#b}}{{/date}}{{/b}}",
            "a template has '{{/date}}' without '{{#date}}' before it; '{{#b}}' is still open",
        ),
        ("{{context.run_id", "a template has '{{' without '}}' after it"),
        ("text {{", "a template has '{{' without '}}' after it"),
        ("{{}}", "a template has '{{}}' without a name"),
        ("{{> other}}", "'{{>' in a template: partials are not supported"),
        ("{{^date}}x{{/date}}", "'{{^' in a template: inverted sections are not supported"),
        ("{{=<% %>=}}", "'{{=' in a template: changes of the delimiters are not supported"),
        ("{{{env.A}}", "'{{{' in a template: three braces closed by two are not supported"),
    ],
)
def test_a_malformed_template_is_refused_at_load_and_at_run(text: str, said: str) -> None:
    hint = "\n  Supported: {{name}}, {{#helper}}text{{/helper}} and {{! comment }}."
    assert seen(text) == [f"at q: {said}{hint}"]
    assert refusal(text) == said + hint


@pytest.mark.parametrize(
    "text",
    [
        "{{context.run_id}} {{context.partition_key}} {{utils.now}} {{env.ANY.THING}}",
        "{{resource.duckdb.path}} {{resource.duckdb.path.deeper}}",
        "{{api_pulls.any metadata}} {{#date}}{{context.partition_window_start}}|%Y{{/date}}",
        "no template",
    ],
)
def test_what_can_be_right_passes_the_check(text: str) -> None:
    known = Known(("api/pulls",), {"duckdb": ["path"]}, partition=PARTITION_NAMES)
    assert seen(text, known) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "{{api_pull.x}}",
            "at q: unknown name 'api_pull.x' in a template\n  Did you mean 'api_pulls'? Known: "
            "api_pulls, context, env, resource, sensor, utils, x_a_b. "
            "Other assets can be read when `depends_on` names them.",
        ),
        (
            "{{context.partition}}",
            "at q: unknown name 'context.partition' in a template\n  Did you mean "
            "'context.partition_key'? Known: context.partition_key, context.partition_keys, "
            "context.partition_window_end, context.partition_window_start, context.run_id.",
        ),
        (
            "{{utils.x}}",
            "at q: unknown name 'utils.x' in a template\n"
            "  Did you mean 'utils.now'? Known: utils.now.",
        ),
        (
            "{{resource.duckdb.pth}}",
            "at q: unknown name 'resource.duckdb.pth' in a template\n  Did you mean "
            "'resource.duckdb.path'? Known: resource.duckdb.path, resource.duckdb.threads.",
        ),
        (
            "{{api_pulls}}",
            "at q: 'api_pulls' in a template is a group of values, not a value\n"
            "  Write {{api_pulls.NAME}}.",
        ),
        (
            "{{x_a_b.t}}",
            "at q: the name 'x_a_b.t' is ambiguous: "
            "'x_a_b' is asset 'x/a_b' and asset 'x_a/b'\n  Rename an asset.",
        ),
        (
            "{{env.HOME}}",
            "at q: the name 'env.HOME' is ambiguous: "
            "'env' is asset 'env' and templates' own\n  Rename an asset.",
        ),
        (
            "{{#dates}}{{utils.now}}|%Y{{/dates}}",
            "at q: unknown helper '{{#dates}}' in a template\n  Did you mean 'date'? Known: date.",
        ),
    ],
)
def test_what_is_wrong_for_certain_is_said_before_a_run(text: str, said: str) -> None:
    assert seen(text) == [said]


def test_a_partition_is_named_only_where_there_is_one() -> None:
    assert seen("{{context.partition_key}}", Known()) == [
        "at q: 'context.partition_key' in a template, but the asset has no partitions\n"
        "  Name the asset in an entry of `partitions`."
    ]


def test_every_problem_is_found_with_the_path_of_its_string() -> None:
    params = {"a": ["{{b.c}} {{utils.x}}", {"d": "{{"}]}
    problems = check(params, Known(), lambda path: path)
    assert [problem.at for problem in problems] == ["('a', 0)", "('a', 0)", "('a', 1, 'd')"]


def test_names_of_variables_are_found_at_any_depth_without_helpers() -> None:
    params = {"a": ["{{x.y}}{{#date}}{{z.w}}|%Y{{/date}}"], "b": 1, "{{k.k}}": "{{{n.m}}}"}
    assert names_in(params) == {"x.y", "z.w", "n.m"}
    assert variable_name("github/api/pulls") == "github_api_pulls"
