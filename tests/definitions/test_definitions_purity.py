"""Defining has no effects: these run in a process of their own, as code servers do."""

import subprocess
import sys
from pathlib import Path

from tests.definitions.shop_project import ORDERS, shop

REPOSITORY = Path(__file__).parents[2]

TELL = """
import os, sys, warnings
warnings.simplefilter("error")
before = dict(os.environ), list(sys.path)
from odp_dlt.definitions import build_definitions
import dagster as dg
defs = build_definitions(sys.argv[1])
dg.Definitions.validate_loadable(defs)
assert before == (dict(os.environ), sys.path)
drivers = ("duckdb", "requests", "dlt", "shop", "shop.source", "botocore", "google.cloud.storage")
print([name for name in sys.modules if name in drivers or name.startswith("odp_project_")])
"""

JOBS = """
jobs:
  - job_id: everything
    asset_selection: ["*"]
    triggers:
      - trigger_id: nightly
        trigger_type: schedule
        params: {schedule_kind: cron, schedule_params: {cron_schedule: "0 2 * * *"}}
"""
SENSORS = {
    "file": "{path: '*.csv'}",
    "s3": "{bucket_name: lake}",
    "gcs_sensor": "{bucket_name: lake}",
    "http": "{url: 'http://127.0.0.1:1/'}",
    "sql": "{resource: duckdb, query: SELECT 1}",
    "asset": "{asset_keys: [shop/api/orders]}",
}


def test_building_executes_no_source_imports_no_driver_and_warns_of_nothing(tmp_path: Path) -> None:
    triggers = "".join(
        f"      - trigger_id: {kind}\n        trigger_type: sensor\n"
        f"        params: {{sensor_kind: {kind}, sensor_params: {params}}}\n"
        for kind, params in SENSORS.items()
    )
    project = shop(tmp_path, ORDERS + JOBS + triggers)
    source = project.root / "dlt_project/shop/source.py"
    source.write_text(source.read_text() + "\nraise RuntimeError('executed')\n")
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", TELL, str(tmp_path / "odp_config")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.strip() == "[]"
    assert sorted(tmp_path.rglob("*")) == before
