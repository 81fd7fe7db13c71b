"""The example's source that was written for dlt: the same file in the project, as a script, in dlt.

Each reader is a process of its own: what `import dlt` means is decided by who runs the file.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from odp_dlt.tasks.user_code import user_code
from tests.example.scripted_api import Answer, answering

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "dlt_project"
ODP = ("-m", "odp_dlt.cli.main")
SCRIPT = (*ODP, "run-script", "helpdesk.py")
TABLES = ["comments", "comments__attachments", "tickets", "tickets__tags"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example that holds this one source."""
    ignored = shutil.ignore_patterns("__pycache__", "secrets.toml")
    shutil.copytree(PROJECT, tmp_path / "dlt_project", ignore=ignored)
    (tmp_path / "odp_config" / "workflows").mkdir(parents=True)
    for name in ("dagster_config.yaml", "workflows/helpdesk.yaml"):
        shutil.copy(ROOT / "odp_config" / name, tmp_path / "odp_config" / name)
    return tmp_path


def python(folder: Path, *arguments: str, **variables: str) -> str:
    """What a Python process prints in `folder`; it must end well."""
    environment = {
        **{k: v for k, v in os.environ.items() if k not in ("DAGSTER_HOME", "ODP_CONFIG_PATH")},
        "PYTHONPATH": str(ROOT),
        "DLT_DATA_DIR": str(folder / "dlt_data"),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        **variables,
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def contents(database: Path) -> dict[str, tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]]:
    """Of every table of the dataset the columns with their types, and the rows without ids."""
    found = {}
    with duckdb.connect(str(database), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        for table in TABLES:
            columns = con.execute(
                "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? "
                "AND schema_name = 'helpdesk_data' ORDER BY column_index",
                [table],
            ).fetchall()
            kept = [name for name, _ in columns if not name.startswith("_dlt_")]
            rows = con.execute(f"SELECT {', '.join(kept)} FROM helpdesk_data.{table}").fetchall()
            found[table] = (columns, sorted(rows))
    return found


def test_the_file_says_only_what_dlt_knows() -> None:
    text = (PROJECT / "helpdesk.py").read_text()
    code = text.split('"""', 2)[2]
    assert "odp" not in code
    for used in (
        *("import dlt\n", "@dlt.source", "dlt.secrets.value", "dlt.config.value"),
        *("@dlt.transformer", "dlt.sources.incremental(", "dlt.sources.helpers import requests"),
    ):
        assert used in code


def test_a_script_under_odp_loads_what_it_loads_under_dlt(project: Path) -> None:
    theirs = project / "theirs"
    shutil.copytree(project / "dlt_project", theirs)
    python(theirs, "helpdesk.py")
    python(project / "dlt_project", *SCRIPT)

    ours = contents(project / "dlt_project" / "helpdesk.duckdb")
    assert {table: len(rows) for table, (_, rows) in ours.items()} == {
        "comments": 72,
        "comments__attachments": 48,
        "tickets": 48,
        "tickets__tags": 48,
    }
    assert ours == contents(theirs / "helpdesk.duckdb")


def test_the_project_loads_what_the_script_loads_and_then_what_is_new(project: Path) -> None:
    first = python(project, *ODP, "run")
    assert [line.split()[1] for line in first.splitlines() if line.startswith("helpdesk/")] == [
        f"helpdesk_data.{table}" for table in TABLES
    ]
    again = python(project, *ODP, "run")
    python(project / "dlt_project", *SCRIPT)

    assert {line.split()[2] for line in again.splitlines() if "helpdesk_data." in line} == {"0"}
    loaded = contents(project / "data" / "github.db")
    assert loaded == contents(project / "dlt_project" / "helpdesk.duckdb")


def test_the_secret_and_the_address_come_from_the_environment(project: Path) -> None:
    tickets = {"tickets": [{"id": 1, "updated_at": "2026-01-05T00:00:00Z"}], "next_page": None}
    with answering(Answer(body=tickets), Answer(body=[{"id": 10}])) as api:
        python(
            project / "dlt_project",
            *SCRIPT,
            SOURCES__HELPDESK__API_URL=api.url,
            SOURCES__HELPDESK__API_KEY="a key",
        )

    paths = [path for path, _ in api.requests]
    assert paths[0].startswith("/tickets?updated_since=2026-01-01T00%3A00%3A00Z&per_page=20")
    assert paths[1:] == ["/tickets/1/comments"]
    assert {headers["Authorization"] for _, headers in api.requests} == {"Bearer a key"}


def test_the_invented_tickets_are_in_the_order_of_their_change() -> None:
    sample = user_code(PROJECT).load("helpdesk_sample")
    changed = [sample.ticket(number)["updated_at"] for number in range(1, sample.TICKETS + 1)]
    assert changed == sorted(set(changed))
