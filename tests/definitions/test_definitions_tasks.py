"""What every task type gets from a run: its file's templates, its resources, what is selected."""

from pathlib import Path

import dagster as dg
import pytest

from odp_dlt.errors import ConfigError
from tests.definitions.shop_project import ORDERS, Project, shop

FROM_FILE = """
  - asset_key: mart/lines
    task_type: duckdb_query
    depends_on: [shop/api/orders__lines]
    params: {query: sql/lines.sql, is_file: true, destination_table_id: mart.lines}
"""
SQL = """-- the lines
SELECT count(*) AS lines, '{{resource.duckdb.database}}' AS place
FROM {{shop_api_orders__lines.destination_table_id}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = shop(tmp_path, ORDERS + FROM_FILE)
    made.write("sql/lines.sql", SQL)
    return made


def test_a_file_of_sql_names_the_same_things_as_params(project: Project) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        project.run(["shop/api/orders", "shop/api/orders__lines"], instance)
        run = project.run(["mart/lines"], instance)
    assert run.failure is None
    assert run.made["mart/lines"]["destination_table_id"] == "mart.lines"
    assert run.made["mart/lines"]["row_count"] == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{{resource.duckdb.database}}", "{{resource.duckdb.databas}}", r":2: unknown name"),
        ("shop_api_orders__lines.", "shop_api_orders.", r":3: .*when `depends_on` names them"),
        ("FROM", "{{#dat}}{{utils.now}}|%Y{{/dat}} FROM", r":3: unknown helper '\{\{#dat\}\}'"),
        ("{{resource.duckdb.database}}", "{{context.partition_key}}", r":2: .*no partitions"),
        ("{{resource.duckdb.database}}", "{{/date}}", r":2: .*'\{\{/date\}\}' without"),
    ],
)
def test_a_wrong_template_in_a_file_is_told_with_its_line_before_any_run(
    project: Project, old: str, new: str, said: str
) -> None:
    project.write("sql/lines.sql", SQL.replace(old, new))
    with pytest.raises(ConfigError, match=rf"(?s)lines\.sql{said}"):
        project.build()


OWN = """
from odp_dlt.tasks.base import Done, Task


class Greet(Task):
    name: str
    times: int = 1

    def run(self, context):
        yield Done(context.asset_key, {"greeting": f"Hello {self.name}!" * self.times})
"""
GREET = """
assets:
  - asset_key: hello/you
    task_type: odp_own_tasks.Greet
    params: {name: "{{context.run_id}}", times: 2}
"""


def test_a_class_of_ones_own_is_a_task_type_by_its_dotted_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = shop(tmp_path, GREET)
    project.write("lib/odp_own_tasks.py", OWN)
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    with dg.DagsterInstance.ephemeral() as instance:
        run = project.run(["hello/you"], instance)
    assert run.failure is None
    assert run.made["hello/you"]["greeting"].count("Hello") == 2
    project.workflow(GREET.replace("times: 2", "tims: 2"))
    with pytest.raises(ConfigError, match=r"shop\.yaml:5:.*unknown param 'tims'(.|\n)*'times'"):
        project.build()


SHELL = """
assets:
  - asset_key: mart/shell
    task_type: shell_command
    params: {command: "echo 'a"}
  - {asset_key: mart/file, task_type: file_to_duckdb, params: {source_file_uri: "ftp://x/a.csv",
     destination_table_id: t}}
  - {asset_key: mart/code, task_type: python, params: {function: shop.source.shop, kwargs: {n: 1}}}
  - {asset_key: mart/gone, task_type: python, params: {function: shop.source.shopp}}
  - asset_key: mart/bq
    task_type: bq_table_to_gcs
    params: {source_table_id: t, destination_file_uri: gs://b/a}
"""


def test_every_task_type_s_params_are_checked_with_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as e:
        shop(tmp_path, SHELL).build()
    said = str(e.value)
    for place, message in (
        ("shop.yaml:5:14", "No closing quotation"),
        ("shop.yaml:6:", "'ftp://' is unknown"),
        ("source.py", "no function 'shopp' in the module"),
        ("shop.yaml:10:", "no resource of kind 'bigquery' is configured"),
    ):
        (line,) = [one for one in said.splitlines() if message in one]
        assert place in line, said
