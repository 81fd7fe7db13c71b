"""The source `git` of the example, loaded: each commit once, whatever the runs."""

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from odp_dlt import dlt
from odp_dlt.errors import ConfigError
from odp_dlt.tasks.user_code import user_code

PROJECT = Path(__file__).parents[2] / "dlt_project"
source = user_code(PROJECT).load("git.source")

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


def git(folder: Path, *arguments: str, at: datetime = NOON) -> None:
    people = {
        f"GIT_{role}_{k}": "ada" for role in ("AUTHOR", "COMMITTER") for k in ("NAME", "EMAIL")
    }
    dates = {f"GIT_{role}_DATE": at.isoformat() for role in ("AUTHOR", "COMMITTER")}
    subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env={**os.environ, **people, **dates, "GIT_CONFIG_GLOBAL": os.devnull},
        capture_output=True,
        check=True,
    )


def commit(folder: Path, subject: str, at: datetime = NOON) -> None:
    (folder / f"{subject}.txt").write_text("1\n2\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--message", subject, at=at)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init")
    return folder


def load(repository: Path, **parameters: Any) -> None:
    pipeline = dlt.pipeline(
        "git",
        destination=dlt.destinations.duckdb(str(repository.parent / "git.db")),
        dataset_name="git_data",
    )
    pipeline.run(source.git(repository=str(repository), **parameters), write_disposition="append")


def rows(repository: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(repository.parent / "git.db")) as con:
        con.execute("USE git_data")
        return con.execute(query).fetchall()


SUBJECTS = "SELECT subject FROM commits ORDER BY subject"


def test_commits_parents_and_files_become_tables(repository: Path) -> None:
    commit(repository, "a")
    commit(repository, "b", NOON + timedelta(hours=1))

    load(repository)

    assert rows(repository, SUBJECTS) == [("a",), ("b",)]
    assert rows(
        repository,
        "SELECT c.subject, f.path, f.added, f.removed FROM commits c "
        "JOIN commits__files f ON f._dlt_parent_id = c._dlt_id ORDER BY 1",
    ) == [("a", "a.txt", 2, 0), ("b", "b.txt", 2, 0)]
    assert rows(
        repository,
        "SELECT c.subject, older.subject FROM commits c "
        "JOIN commits__parents p ON p._dlt_parent_id = c._dlt_id "
        "JOIN commits older ON older.hash = p.value",
    ) == [("b", "a")]
    assert rows(
        repository,
        "SELECT DISTINCT data_type FROM information_schema.columns "
        "WHERE column_name IN ('committed_at', 'author__date') AND table_name = 'commits'",
    ) == [("TIMESTAMP WITH TIME ZONE",)]


def test_each_commit_is_loaded_once_also_those_of_one_second(repository: Path) -> None:
    commit(repository, "a")
    commit(repository, "b")
    load(repository)
    load(repository)
    assert rows(repository, SUBJECTS) == [("a",), ("b",)]

    commit(repository, "c")
    commit(repository, "d", NOON + timedelta(seconds=1))
    load(repository)
    load(repository)
    assert rows(repository, SUBJECTS) == [("a",), ("b",), ("c",), ("d",)]


def test_an_amended_commit_is_loaded_under_its_new_hash(repository: Path) -> None:
    commit(repository, "a")
    load(repository)

    git(repository, "commit", "--amend", "--message", "a again", at=NOON + timedelta(hours=1))
    load(repository)

    assert rows(repository, SUBJECTS) == [("a",), ("a again",)]


def test_since_is_where_the_history_begins(repository: Path) -> None:
    commit(repository, "before", NOON - timedelta(seconds=1))
    commit(repository, "at", NOON)
    commit(repository, "after", NOON + timedelta(days=9))

    load(repository, since="2024-03-01T12:00:00")

    assert rows(repository, SUBJECTS) == [("after",), ("at",)]


def test_a_since_that_is_no_time_is_refused() -> None:
    with pytest.raises(ConfigError, match="'last week' is not a date"):
        source.git(since="last week")
