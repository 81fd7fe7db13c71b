"""Small projects on disk, and the real `odp` to run on them."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]

DUCKDB = """
resources:
  - resource_kind: duckdb
    params: {database: data/shop.db}
"""
SQL = """
assets:
  - asset_key: marts/days
    task_type: duckdb_query
    params:
      query: CREATE OR REPLACE TABLE days AS SELECT '{{context.partition_key}}' AS day
  - asset_key: marts/weeks
    task_type: duckdb_query
    depends_on: [marts/days]
    params:
      query: CREATE OR REPLACE TABLE weeks AS SELECT * FROM {{marts_days.destination_table_id}}
  - asset_key: other/months
    task_type: duckdb_query
    params: {query: "CREATE OR REPLACE TABLE months AS SELECT '{{context.partition_key}}' AS m"}
partitions:
  - assets: [marts/days]
    params: {schedule_type: DAILY, start: "2026-01-01", end: "2026-02-01"}
  - assets: [other/months]
    params: {schedule_type: MONTHLY, start: "2026-01-01", end: "2026-04-01"}
"""


def write_project(folder: Path, workflow: str = SQL, config: str = DUCKDB) -> Path:
    """A project in `folder` with one workflow file; `folder` itself."""
    (folder / "odp_config" / "workflows").mkdir(parents=True)
    (folder / "odp_config" / "dagster_config.yaml").write_text(config)
    (folder / "odp_config" / "workflows" / "main.yaml").write_text(workflow)
    return folder


def program(cwd: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`odp` with `arguments`, as its own process in the folder `cwd`."""
    return python(cwd, "-m", "odp_dlt.cli.main", *arguments, **environment)


def python(cwd: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python with `arguments`, as its own process that finds this package."""
    kept = {k: v for k, v in os.environ.items() if k not in ("DAGSTER_HOME", "ODP_CONFIG_PATH")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**kept, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
