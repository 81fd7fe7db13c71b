import subprocess
import sys
from pathlib import Path

import dagster as dg

from odp_dlt.destinations.duckdb import connection
from tests.definitions.shop_project import ORDERS, shop

REPOSITORY = Path(__file__).parents[2]

RUN = """
import sys
from pathlib import Path
import dagster as dg

sys.path.insert(0, sys.argv[1])
from project_jobs import both

if __name__ == "__main__":
    with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
        assert dg.execute_job(dg.reconstructable(both), instance=instance).success
"""

JOBS = """
from pathlib import Path
from odp_dlt.definitions import build_definitions

def both():
    return build_definitions(Path(__file__).parent / "odp_config").resolve_job_def("both")
"""


def test_two_assets_load_into_one_file_from_processes_of_their_own(tmp_path: Path) -> None:
    events = ORDERS.replace("assets:\n", "").replace("shop/api/orders", "shop/api/orders__events")
    project = shop(
        tmp_path,
        f"{ORDERS}{events}jobs:\n  - {{job_id: both, asset_selection: ['group:ingest']}}\n",
    )
    source = project.root / "dlt_project/shop/source.py"
    source.write_text(
        source.read_text().replace(
            "return orders",
            "events = [{'kind': str(n)} for n in range(50_000)]\n"
            "    return orders, dlt.resource(events, name='orders__events')",
        )
    )
    project.write("dagster.yaml", "telemetry: {enabled: false}\n")
    project.write("project_jobs.py", JOBS)
    project.write("run.py", RUN)
    done = subprocess.run(
        [sys.executable, str(project.root / "run.py"), str(tmp_path)],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{REPOSITORY}:{tmp_path}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "multiprocess executor" in done.stderr
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        keys = {key.to_user_string() for key in instance.all_asset_keys()}
    assert {"shop/api/orders", "shop/api/orders__lines", "shop/api/orders__events"} <= keys
    with connection(tmp_path / "data/shop.db", write=False) as con:
        for table, rows in (("orders", 2), ("orders__lines", 4), ("orders__events", 50_000)):
            assert con.execute(f"SELECT count(*) FROM shop_data.{table}").fetchall() == [(rows,)]
