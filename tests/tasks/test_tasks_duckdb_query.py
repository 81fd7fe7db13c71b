import logging
from pathlib import Path
from typing import Any

import pytest

from odp_dlt.errors import ConfigError, DestinationError, OdpError, SourceError
from odp_dlt.resources.duckdb import DuckDB
from odp_dlt.tasks.base import Context, Done, Site
from odp_dlt.tasks.duckdb_query import DuckdbQuery
from odp_dlt.workflow.template import render_text


def run(root: Path, query: str, **params: Any) -> Done:
    resource = DuckDB(database=root / "t.db")
    site = Site(root, {"duckdb": resource})
    context = Context(
        "t/t",
        "r",
        site,
        logging.getLogger("test"),
        lambda _: None,
        lambda text, file: render_text(text, {"context": {"run_id": "abc"}}, file),
    )
    return next(DuckdbQuery.model_validate({"query": query, **params}).run(context))


def ask(root: Path, query: str) -> list[tuple[object, ...]]:
    with DuckDB(database=root / "t.db").connection(write=False) as con:
        return con.execute(query).fetchall()


@pytest.mark.parametrize(
    ("query", "table"),
    [
        ("CREATE TABLE t AS SELECT 1 AS n", "main.t"),
        ("create or replace table t as from range(1) r(n);", "main.t"),
        ("-- why\nCREATE /* x */ VIEW t AS SELECT 1 n", "main.t"),
        ('CREATE SCHEMA s; CREATE TABLE s . "A ""b""" AS SELECT 1 n; SELECT 5', 's.A "b"'),
        ("CREATE SCHEMA s; CREATE TABLE t.s.x AS SELECT 1 n", "s.x"),
        ("CREATE TABLE a AS SELECT 1 n; CREATE TABLE b AS SELECT 1 n; DROP TABLE b", "main.a"),
        ("CREATE TABLE t (n INT); INSERT INTO t VALUES (1)", "main.t"),
    ],
)
def test_the_last_table_or_view_that_is_made_is_reported(
    tmp_path: Path, query: str, table: str
) -> None:
    done = run(tmp_path, query)
    assert done.metadata == {
        "destination_table_id": table,
        "row_count": 1,
        "dagster/row_count": 1,
        "column_names": "n",
    }
    assert done.columns is not None
    assert [column.name for column in done.columns] == ["n"]


def test_a_table_that_was_there_already_is_still_the_one_reported(tmp_path: Path) -> None:
    query = "CREATE TABLE IF NOT EXISTS t (n INT NOT NULL, s VARCHAR)"
    first, second = run(tmp_path, query), run(tmp_path, query)
    assert first == second
    assert second.columns is not None
    assert [(c.name, c.type, c.nullable) for c in second.columns] == [
        ("n", "INTEGER", False),
        ("s", "VARCHAR", True),
    ]


def test_a_query_reports_how_many_rows_and_which_columns(tmp_path: Path) -> None:
    run(tmp_path, "CREATE TABLE t AS SELECT * FROM range(250000) r(n)")
    done = run(tmp_path, "SELECT n, n + 1 AS m FROM t")
    assert done.metadata == {"row_count": 250000, "column_names": "n, m"}
    assert done.columns is None


def test_other_statements_report_nothing(tmp_path: Path) -> None:
    run(tmp_path, "CREATE TABLE t (n INT)")
    assert run(tmp_path, "INSERT INTO t VALUES (1)").metadata == {}


@pytest.mark.parametrize(
    ("query", "error", "said"),
    [
        ("CREATE TABLE t AS SELECT 1; SELECT nothing", SourceError, 'column "nothing"'),
        ("CREATE TABLE t AS SELECT 1; SELECT 'x'::INT", SourceError, "Could not convert"),
        ("CREATE TABLE t AS SELECT 1; SELEKT", SourceError, "syntax error"),
        ("CREATE TABLE t AS SELECT 1; COMMIT;", ConfigError, "Leave out BEGIN, COMMIT"),
        ("-- nothing", ConfigError, "no statement"),
    ],
)
def test_sql_that_fails_leaves_nothing(
    tmp_path: Path, query: str, error: type[OdpError], said: str
) -> None:
    run(tmp_path, "CREATE TABLE before (n INT)")
    with pytest.raises(error, match=said):
        run(tmp_path, query)
    assert ask(tmp_path, "SELECT table_name FROM duckdb_tables()") == [("before",)]


def test_a_file_of_sql_is_run_and_blamed_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("CREATE TABLE t AS SELECT 1 AS n;\n\nSELECT m FROM t;\n")
    with pytest.raises(SourceError, match=r"q\.sql:3: DuckDB refuses"):
        run(tmp_path, "q.sql", is_file=True)
    with pytest.raises(ConfigError, match=r"nowhere\.sql' cannot be read"):
        run(tmp_path, "nowhere.sql", is_file=True)


def test_templates_in_a_file_of_sql_are_filled_in_as_those_of_params(tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("CREATE TABLE t AS\nSELECT '{{context.run_id}}' AS run")
    run(tmp_path, "q.sql", is_file=True)
    assert ask(tmp_path, "FROM t") == [("abc",)]
    (tmp_path / "q.sql").write_text("SELECT\n1,\n{{context.runid}}")
    with pytest.raises(ConfigError, match=r"q\.sql:3: unknown name 'context\.runid'"):
        run(tmp_path, "q.sql", is_file=True)
    with pytest.raises(ConfigError, match="the path of an SQL file cannot be a template"):
        run(tmp_path, "{{context.run_id}}.sql", is_file=True)


@pytest.mark.parametrize("target", ["marts.t", 'marts."t"', "t.marts.t"])
def test_a_select_becomes_the_table_that_is_named(tmp_path: Path, target: str) -> None:
    for _ in range(2):  # the second one replaces what the first one made
        done = run(tmp_path, "SELECT 1 AS n, 'x' AS s; -- all", destination_table_id=target)
    assert done.metadata == {
        "destination_table_id": "marts.t",
        "row_count": 1,
        "dagster/row_count": 1,
        "column_names": "n, s",
    }
    assert done.columns is not None
    assert [column.type for column in done.columns] == ["INTEGER", "VARCHAR"]
    run(tmp_path, "SELECT n + 1 AS n FROM marts.t", destination_table_id=target)
    assert ask(tmp_path, "FROM marts.t") == [(2,)]


def test_a_table_stays_as_it_was_when_its_select_fails(tmp_path: Path) -> None:
    run(tmp_path, "SELECT 1 AS n", destination_table_id="kept")
    failing = "SELECT CASE WHEN i = 999999 THEN error('broken') ELSE i END FROM range(1000000) r(i)"
    with pytest.raises(SourceError, match="broken"):
        run(tmp_path, failing, destination_table_id="kept")
    assert ask(tmp_path, "FROM kept") == [(1,)]


def test_only_one_select_can_become_a_table(tmp_path: Path) -> None:
    for query in ("SELECT 1; SELECT 2", "CREATE TABLE x AS SELECT 1"):
        with pytest.raises(ConfigError, match="not one SELECT, so it cannot become 't'"):
            run(tmp_path, query, destination_table_id="t")
    with pytest.raises(ValueError, match="it is no `table`"):
        run(tmp_path, "SELECT 1", destination_table_id="a.b.c.d")


def test_reading_makes_no_database(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="there is no database file"):
        run(tmp_path, "SELECT 1")
    assert list(tmp_path.iterdir()) == []


def test_a_database_in_memory_is_a_new_one_each_time() -> None:
    for _ in range(2):
        with DuckDB(database=":memory:").connection() as con:
            con.execute("CREATE TABLE t (n INT)")


@pytest.mark.parametrize(
    ("target", "known"),
    [("t", "main.t"), ("s.t", "s.t"), ('c."s"."t.x"', "s.t.x"), ("{{a.b}}", None), (None, None)],
)
def test_the_table_is_known_before_a_run_unless_a_template_names_it(
    tmp_path: Path, target: str | None, known: str | None
) -> None:
    task = DuckdbQuery(query="SELECT 1", destination_table_id=target)
    (made,) = task.assets("t/t", Site(tmp_path, {}))
    assert made.table_name == known
