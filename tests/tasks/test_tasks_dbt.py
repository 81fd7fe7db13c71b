import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.resources.dbt import Dbt
from odp_dlt.tasks.base import Planned, tasks
from odp_dlt.tasks.dbt_selection import select
from odp_dlt.tasks.params import ParamError, validated
from tests.tasks.dbt_project import dbt_project, needs_dbt
from tests.tasks.running import Runner

pytestmark = needs_dbt

ORACLE = """
import json, sys
from dbt.cli.main import dbtRunner
runner = dbtRunner()
for selection in sys.argv[1:]:
    how = ["ls", "--quiet", "--output", "json", "--output-keys", "unique_id", "--select"]
    result = runner.invoke([*how, *selection.split(" ")])
    print("=" + json.dumps(sorted(json.loads(line)["unique_id"] for line in result.result or [])))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dbt_project(tmp_path_factory.mktemp("dbt") / "shop")


@pytest.fixture
def runner(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    shutil.copytree(made, tmp_path / "shop")
    (tmp_path / "data").mkdir()
    with duckdb.connect(str(tmp_path / "data/shop.db")) as con:
        con.execute("CREATE SCHEMA shop_data; CREATE TABLE shop_data.outside AS SELECT 1 AS n")
        con.execute("CREATE TABLE shop_data.orders__lines AS SELECT 'a' AS sku")
    return Runner(tmp_path, {"dbt": Dbt(project_dir=tmp_path / "shop")})


def planned(runner: Runner, selection: str = "fqn:*", **params: Any) -> dict[str, Planned]:
    task = validated(tasks.find("dbt"), {"selection": selection, **params}, runner.root)
    return {one.key: one for one in task.assets("models", runner.site)}


def test_every_model_is_an_asset_with_what_it_reads(runner: Runner) -> None:
    found = planned(runner)
    assert set(found) == {"lines", "marts/counts", "marts/last", "own/key", "countries"}
    assert found["lines"].reads == {"shop_data.ORDERS__LINES": "raw/lines"}
    assert found["lines"].description == "All lines"
    assert found["lines"].table_name == "main.lines"
    assert [(c.name, c.type, c.description) for c in found["lines"].columns or ()] == [
        ("sku", "varchar", "What was bought")
    ]
    assert found["marts/counts"].deps == ("lines",)  # through the ephemeral model
    assert found["marts/last"].deps == ("marts/counts",)
    assert found["own/key"].group == "g"
    assert found["marts/last"].file == runner.root / "shop/models/marts/last.sql"
    assert found["lines"].kinds == {"dbt", "duckdb"}


def test_selections_mean_what_they_mean_to_dbt(made: Path) -> None:
    selections = [
        "lines", "tag:daily", "tag:daily,tag:x", "lines marts.*", "+counts", "lines+", "1+last",
        "lines+1", "path:models/marts", "models/marts/last.sql", "source:raw+",
        "source:raw.lines+1",
        "config.materialized:table", "resource_type:seed+", "package:shop", "shop.marts", "counts*",
        "fqn:shop.marts.counts", "file:last.sql", "+last,tag:daily", "marts", "no_such",
    ]  # fmt: skip
    program = Path(shutil.which("dbt") or "").read_text().partition("\n")[0].removeprefix("#!")
    done = subprocess.run(
        [program, "-c", ORACLE, *selections], cwd=made, capture_output=True, text=True, check=True
    )
    printed = [line[1:] for line in done.stdout.splitlines() if line.startswith("=")]
    models = Dbt(project_dir=made).models
    manifest = Dbt(project_dir=made).manifest
    for selection, oracle in zip(selections, printed, strict=True):
        ours = sorted(select(manifest, selection) & models.keys())
        assert ours == sorted(set(json.loads(oracle)) & models.keys()), selection


def test_a_build_reports_each_model_and_passes_variables(runner: Runner) -> None:
    params = {"selection": "lines+ countries", "dbt_vars": {"day": "mon"}}
    done = {one.asset_key: one.metadata for one in runner.all("dbt", params)}
    assert set(done) == {"lines", "marts/counts", "marts/last", "countries"}
    assert done["marts/counts"]["destination_table_id"] == "main_marts.counts"
    assert done["marts/counts"]["materialized"] == "table"
    with duckdb.connect(str(runner.root / "data/shop.db")) as con:
        assert con.execute("FROM main_marts.counts").fetchall() == [(1, "mon")]
    assert any("OK created sql table model main_marts.counts" in line for line in runner.log)


def test_a_secret_that_is_a_word_of_dbt_s_events_does_not_hide_them(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "countries")
    done = runner.run("dbt", selection="countries")
    assert done.asset_key == "countries"
    assert "main.***" in "".join(runner.log)
    assert "countries" not in "".join(runner.log)


def test_only_the_selected_assets_are_built(runner: Runner) -> None:
    task = validated(tasks.find("dbt"), {"selection": "fqn:*"}, runner.root)
    done = list(task.run(runner.context(frozenset({"lines", "countries"}))))
    assert {one.asset_key for one in done} == {"lines", "countries"}


def test_what_was_built_before_a_failure_is_reported(runner: Runner) -> None:
    with duckdb.connect(str(runner.root / "data/shop.db")) as con:
        con.execute("INSERT INTO shop_data.orders__lines VALUES (NULL)")
    task = validated(tasks.find("dbt"), {"selection": "lines+ countries"}, runner.root)
    seen: list[str] = []
    with pytest.raises(SourceError, match=r"dbt build failed\n(.|\n)*not_null_lines_sku") as e:
        for done in task.run(runner.context()):
            seen.append(done.asset_key)
    assert set(seen) == {"lines", "countries"}  # what reads the model after its test is skipped
    assert "Got 1 result, configured to fail if != 0" in str(e.value)


def test_models_that_nobody_selects_come_with_the_project(runner: Runner) -> None:
    project = runner.resources["dbt"]
    (left,) = project.brings({"lines", "marts/counts", "countries"})
    assert (left.asset_key, left.task_type) == ("unselected_dbt_models", "dbt")
    assert set(planned(runner, **left.params)) == {"marts/last", "own/key"}
    assert project.brings({"lines", "marts/counts", "countries", "marts/last", "own/key"}) == []
    assert Dbt(project_dir=runner.root / "shop", load_all_models=False).brings(set()) == []


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"selection": "no_such"}, "no model of the dbt project is selected by 'no_such'"),
        ({"selection": "state:modified"}, "method 'state' cannot be answered before a run"),
        ({"selection": "{{context.run_id}}"}, "'selection' cannot be a template"),
        ({"selection": "lines", "exclude": "tag:daily"}, "no model of the dbt project"),
    ],
)
def test_wrong_selections_are_told_before_any_run(
    runner: Runner, params: dict[str, Any], said: str
) -> None:
    with pytest.raises(ParamError, match=said):
        planned(runner, **params)


def test_a_project_that_dbt_cannot_parse_is_told_in_its_words(runner: Runner) -> None:
    (runner.root / "shop/models/lines.sql").write_text("select {{ ref('gone') }}")
    with pytest.raises(
        SourceError, match=r"dbt build failed\n(.|\n)*depends on a node named 'gone'"
    ):
        runner.all("dbt", {"selection": "lines"})


def test_a_project_without_a_manifest_is_told_what_to_run(tmp_path: Path) -> None:
    runner = Runner(tmp_path, {"dbt": Dbt(project_dir=tmp_path)})
    with pytest.raises(ConfigError, match=r"manifest\.json: dbt's manifest cannot .*\n.*dbt parse"):
        planned(runner)
    (tmp_path / "m.json").write_text("{}")
    runner = Runner(tmp_path, {"dbt": Dbt(project_dir=tmp_path, manifest_path=tmp_path / "m.json")})
    with pytest.raises(ConfigError, match=r"m\.json: this is no manifest of dbt"):
        planned(runner)


def test_a_missing_dbt_is_told_with_the_extra(runner: Runner) -> None:
    project = Dbt(project_dir=runner.root / "shop", dbt_executable="no-such-dbt")
    runner.resources = {"dbt": project}
    assert planned(runner)  # definitions need no dbt
    with pytest.raises(ConfigError, match=r"'no-such-dbt' is not installed\n.*odp-dlt\[dbt\]"):
        runner.all("dbt", {"selection": "lines"})
