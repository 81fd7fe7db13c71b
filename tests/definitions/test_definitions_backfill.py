"""Thirty days of the example project, backfilled at once as Dagster does it by default.

The daemon starts a run for each day, ten at a time, and each run a process for its step: all load
into one DuckDB file, and no pool keeps them apart.
"""

import shutil
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from odp_dlt.destinations.duckdb import connection
from odp_dlt.tasks.user_code import user_code
from tests.definitions.webserver import daemon, webserver

ROOT = Path(__file__).parents[2]
KEY = "github/api/pull_requests"
DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(30)]
PATIENCE_S = 1800.0  # a machine that does much else takes its time


def opened_on(days: list[date]) -> dict[str, int]:
    """How many pull requests the sample has for each of `days`."""
    through = user_code(ROOT / "dlt_project").load("github.sample_pulls").opened_through
    return {str(day): through(day) - through(day - timedelta(days=1)) for day in days}


def test_thirty_days_backfilled_at_once_are_all_there_and_no_row_twice(tmp_path: Path) -> None:
    for name in ("odp_config", "dlt_project"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    home, module = tmp_path / "home", "odp_config.definitions"
    keys = [str(day) for day in DAYS]
    with webserver(tmp_path, module, home, coordinator="") as server:
        backfill = server.backfill(KEY, keys)
        with daemon(tmp_path, module, home):
            ended = server.wait_for_backfill(backfill, len(keys), PATIENCE_S)
    assert ended == dict.fromkeys(keys, "SUCCESS")
    expected = opened_on(DAYS)
    assert all(expected.values())
    with connection(tmp_path / "data/github.db", write=False) as con:
        rows = con.execute(
            "SELECT strftime(created_at, '%Y-%m-%d') AS day, count(*), count(DISTINCT id) "
            "FROM github_data.pull_requests GROUP BY day"
        ).fetchall()
        orphans = con.execute(
            "SELECT count(*) FROM github_data.pull_requests__labels AS label "
            "ANTI JOIN github_data.pull_requests AS pull ON label._dlt_parent_id = pull._dlt_id"
        ).fetchall()
    assert {day: count for day, count, _ in rows} == expected
    assert {day: distinct for day, _, distinct in rows} == expected
    assert orphans == [(0,)]
    with dg.DagsterInstance.from_config(str(home)) as instance:
        records = instance.fetch_materializations(dg.AssetKey(KEY.split("/")), limit=100).records
    said = {
        str(record.partition_key): record.asset_materialization.metadata["rows_loaded"].value
        for record in records
        if record.asset_materialization is not None
    }
    assert said == expected
