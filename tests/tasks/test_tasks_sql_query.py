"""SQL in the databases that are destinations: the same behaviour in each of them."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from odp_dlt.destinations.base import destinations
from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.resources.dlt import DltProject
from odp_dlt.tasks.base import Done, tasks
from odp_dlt.tasks.params import ParamError, validated
from odp_dlt.tasks.sql_text import SqlText
from tests.destinations.places import Server, postgres_server
from tests.tasks.running import Runner


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with postgres_server() as server:
        yield server


@dataclass
class Database:
    kind: str
    params: dict[str, Any]
    runner: Runner
    dataset: str = field(default_factory=lambda: f"d_{secrets.token_hex(4)}")

    def run(self, query: str, **params: Any) -> Done:
        return self.runner.run(
            "sql_query",
            destination=self.kind,
            destination_params=self.params,
            **{"dataset_name": self.dataset, "query": query, **params},
        )

    def ask(self, query: str) -> list[dict[str, Any]]:
        place = destinations.find(self.kind).model_validate(self.params)
        with place.open(self.dataset, write=False) as session:
            found: list[dict[str, Any]] = session.select(query).to_pylist()
            return found


@pytest.fixture(params=["postgres", "sqlite", "duckdb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "postgres":
        server: Server = request.getfixturevalue("postgres")
        return Database("postgres", {"connection_string": server.uri}, Runner(tmp_path))
    return Database(request.param, {"database": str(tmp_path / "t.db")}, Runner(tmp_path))


def test_a_select_becomes_a_table_and_replaces_it(database: Database) -> None:
    done = database.run("SELECT 1 AS n, 'x' AS s;", destination_table_id="t")
    assert done.metadata == {
        "destination_table_id": f"{database.dataset}.t",
        "row_count": 1,
        "dagster/row_count": 1,
        "column_names": "n, s",
    }
    assert done.columns is not None
    assert [column.name for column in done.columns] == ["n", "s"]
    database.run("SELECT n + 1 AS n, s FROM t", destination_table_id="t")
    assert database.ask("SELECT * FROM t") == [{"n": 2, "s": "x"}]
    database.run("SELECT n, 5 AS more FROM t", destination_table_id=f"{database.dataset}.t")
    assert database.ask("SELECT * FROM t") == [{"n": 2, "more": 5}]


def test_a_table_with_the_same_columns_keeps_the_views_on_it(database: Database) -> None:
    database.run("SELECT 1 AS n", destination_table_id="t")
    database.run("CREATE VIEW v AS SELECT n * 10 AS n FROM t")
    database.run("SELECT 2 AS n", destination_table_id="t")
    assert database.ask("SELECT n FROM v") == [{"n": 20}]


def test_all_statements_are_one_transaction(database: Database) -> None:
    with pytest.raises(SourceError, match=r"the SQL fails: .*nothing"):
        database.run("CREATE TABLE a (n int); INSERT INTO a VALUES (1); SELECT nothing FROM a")
    done = database.run("CREATE TABLE a (n int); INSERT INTO a VALUES (1), (2); -- end")
    assert done.metadata == {}
    done = database.run("SELECT n, n AS m FROM a; UPDATE a SET n = 3")
    assert done.metadata == {"row_count": 2, "column_names": "n, m"}
    assert database.ask("SELECT n FROM a") == [{"n": 3}, {"n": 3}]


def test_a_table_stays_as_it_was_when_its_select_fails(database: Database) -> None:
    database.run("SELECT 1 AS n", destination_table_id="t")
    with pytest.raises(SourceError, match="the SQL fails"):
        database.run("SELECT gone FROM t", destination_table_id="t")
    with pytest.raises(ConfigError, match="is not one SELECT, so it cannot become 't'"):
        database.run("SELECT 1; SELECT 2", destination_table_id="t")
    assert database.ask("SELECT n FROM t") == [{"n": 1}]


def test_a_file_of_sql_has_templates_and_is_blamed_with_its_line(database: Database) -> None:
    database.runner.values = {"context": {"run_id": "abc"}}
    (database.runner.root / "q.sql").write_text("SELECT 1 AS a;\n\nSELECT\n '{{context.run_id}}'")
    done = database.run("q.sql", is_file=True)
    assert done.metadata["row_count"] == 1
    (database.runner.root / "q.sql").write_text("SELECT 1 AS a;\n\nSELECT gone")
    with pytest.raises(SourceError, match=r"q\.sql:3: the SQL fails"):
        database.run("q.sql", is_file=True)


def test_a_password_comes_from_the_project_s_secrets(postgres: Server, tmp_path: Path) -> None:
    (tmp_path / "p/.dlt").mkdir(parents=True)
    (tmp_path / "p/.dlt/secrets.toml").write_text(
        f'[destination.postgres]\ncredentials = "{postgres.uri}"\n'
    )
    runner = Runner(tmp_path, {"dlt": DltProject(project_dir=tmp_path / "p")})
    done = runner.run(
        "sql_query", destination="postgres", dataset_name="own", query="SELECT 1 AS n"
    )
    assert done.metadata == {"row_count": 1, "column_names": "n"}


@pytest.mark.parametrize(
    ("params", "path", "said"),
    [
        ({"destination": "sqlit"}, ("destination",), "Did you mean 'sqlite'?"),
        ({"destination": "filesystem"}, ("destination",), "holds files and takes no SQL"),
        ({"destination_params": {"x": 1}}, ("destination_params", "x"), "unknown param 'x'"),
        ({}, ("dataset_name",), "which dataset the query is for"),
        (
            {"dataset_name": "a", "destination_table_id": "b.t"},
            ("destination_table_id",),
            "the table is in 'b', and `dataset_name` is 'a'",
        ),
        ({"dataset_name": "a", "destination_table_id": "x.."}, ("destination_table_id",), "no `t"),
    ],
)
def test_wrong_params_are_told_before_any_run(
    tmp_path: Path, params: dict[str, Any], path: tuple[str, ...], said: str
) -> None:
    runner = Runner(tmp_path)
    with pytest.raises(ParamError) as e:
        given = {"destination": "sqlite", "query": "SELECT 1", **params}
        validated(tasks.find("sql_query"), given, tmp_path).assets("a/b", runner.site)
    assert e.value.path == path
    assert said in str(e.value)


def test_the_table_is_known_before_a_run(tmp_path: Path) -> None:
    params = {
        "destination": "sqlite",
        "destination_params": {"database": "t.db"},
        "query": "SELECT 1",
        "destination_table_id": "d.t",
    }
    (made,) = validated(tasks.find("sql_query"), params, tmp_path).assets(
        "a/b", Runner(tmp_path).site
    )
    assert made.table_name == "d.t"


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("SELECT 1; SELECT 2;", ["SELECT 1", "SELECT 2"]),
        (
            "SELECT ';' || \";\" ; -- ; \nSELECT /* ; */ 2",
            ["SELECT ';' || \";\"", "SELECT /* ; */ 2"],
        ),
        ("DO $$ BEGIN; END $$; x", ["DO $$ BEGIN; END $$", "x"]),
        ("DO $a$ ; $$ ; $a$; x", ["DO $a$ ; $$ ; $a$", "x"]),
        (r"SELECT E'it\'s;' ; x", [r"SELECT E'it\'s;'", "x"]),
        ("SELECT 'it''s;'; SELECT $1", ["SELECT 'it''s;'", "SELECT $1"]),
        (";;\n;SELECT 5 - 3 / 2;", ["SELECT 5 - 3 / 2"]),
    ],
)
def test_statements_end_at_semicolons_outside_of_texts(text: str, statements: list[str]) -> None:
    found = SqlText(text).statements()
    assert [one for _, one in found] == statements
    assert all(text[offset:].startswith(one) for offset, one in found)


def test_transactions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds 'COMMIT', but all of it is one transaction"):
        SqlText("SELECT 1; COMMIT").statements()
    with pytest.raises(ConfigError, match="holds no statement"):
        SqlText("-- nothing\n;").statements()
