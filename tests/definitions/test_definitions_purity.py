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
drivers = ("duckdb", "requests", "dlt", "shop", "shop.source")
print([name for name in sys.modules if name in drivers or name.startswith("odp_project_")])
"""


def test_building_executes_no_source_imports_no_driver_and_warns_of_nothing(tmp_path: Path) -> None:
    project = shop(tmp_path, ORDERS)
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
