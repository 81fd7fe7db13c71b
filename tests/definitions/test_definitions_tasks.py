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
