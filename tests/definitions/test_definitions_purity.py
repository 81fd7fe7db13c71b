"""Defining has no effects: these run in a process of their own, as code servers do."""

import socket
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

WATCH = """
import sys
from pathlib import Path
forbidden = Path(sys.argv[1]).parent / "dlt_project"
told = []

def watch(event, args):
    if event.startswith("socket.") and event != "socket.gethostname":
        told.append(event)
    if event == "open" and "secrets.toml" in str(args[0]):
        told.append(f"open {args[0]}")
    if event == "exec" and str(forbidden) in args[0].co_filename:
        told.append(f"exec {args[0].co_filename}")
    if event in ("subprocess.Popen", "os.posix_spawn", "os.exec"):
        told.append(event)

import dagster as dg
from odp_dlt.definitions import build_definitions
sys.addaudithook(watch)
defs = build_definitions(sys.argv[1])
dg.Definitions.validate_loadable(defs)
found, told = told, []
print(found)

import socket
from odp_dlt.tasks.user_code import user_code
socket.create_connection(("127.0.0.1", int(sys.argv[2]))).close()
(forbidden / ".dlt/secrets.toml").read_text()
user_code(forbidden).load("shop.source")
print(sorted({one.split("/")[0].strip() for one in told}))
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


def test_building_opens_no_connection_and_no_file_of_secrets(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.write("dlt_project/.dlt/secrets.toml", '[sources.shop]\ntoken = "geheim"\n')
    project.write("dlt_project/.dlt/config.toml", "")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                WATCH,
                str(tmp_path / "odp_config"),
                str(listening.getsockname()[1]),
            ],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.stderr == ""
    while_building, afterwards = done.stdout.splitlines()
    assert while_building == "[]"
    # the same eyes do see these when they happen
    for event in ("exec", "open", "socket.connect"):
        assert f"'{event}'" in afterwards
