"""The commits that git reports, whatever stands in them, and what is said where there are none."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.tasks.user_code import user_code

PROJECT = Path(__file__).parents[2] / "dlt_project"
history = user_code(PROJECT).load("git.history")

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Repository:
    """A repository whose clock each commit sets."""

    folder: Path

    def git(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        person = {"NAME": "Ada Lovelace", "EMAIL": "ada@example.org"}
        people = {
            f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in person.items()
        }
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments],
            env={**os.environ, **people, "GIT_CONFIG_GLOBAL": os.devnull, **(env or {})},
            capture_output=True,
            check=True,
        )
        return done.stdout.decode().strip()

    def commit(self, message: str, at: datetime = NOON, *arguments: str) -> str:
        """Commit all files; the hash."""
        self.git("add", "--all")
        dates = {"GIT_AUTHOR_DATE": at.isoformat(), "GIT_COMMITTER_DATE": at.isoformat()}
        self.git("commit", "--allow-empty", "--message", message, *arguments, env=dates)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    folder = tmp_path / "repository"
    folder.mkdir()
    made = Repository(folder)
    made.git("init", "--initial-branch=main")
    return made


def read(folder: Path, since: datetime | None = None) -> list[dict[str, Any]]:
    return [row for page in history.read_commits(folder, since, 500) for row in page]


def test_a_commit_has_people_message_parents_and_files(repository: Repository) -> None:
    (repository.folder / "a.txt").write_text("1\n2\n3\n")
    first = repository.commit("Begin")
    (repository.folder / "a.txt").write_text("1\n3\n4\n5\n")
    second = repository.commit("Go on\n\nWith a body.", NOON + timedelta(hours=1))

    newest, oldest = read(repository.folder)

    assert newest == {
        "hash": second,
        "committed_at": NOON + timedelta(hours=1),
        "author": {
            "name": "Ada Lovelace",
            "email": "ada@example.org",
            "date": NOON + timedelta(hours=1),
        },
        "committer": {
            "name": "Ada Lovelace",
            "email": "ada@example.org",
            "date": NOON + timedelta(hours=1),
        },
        "subject": "Go on",
        "message": "Go on\n\nWith a body.\n",
        "parents": [first],
        "files": [{"path": "a.txt", "added": 2, "removed": 1}],
    }
    assert oldest["parents"] == []
    assert oldest["files"] == [{"path": "a.txt", "added": 3, "removed": 0}]


def test_any_text_in_messages_and_paths_is_kept(repository: Repository) -> None:
    names = ["tab\there", "line\nbreak", "ünïcode 🦦", '"quoted"', "1\t2\tlike numstat", "a => b"]
    for name in names:
        (repository.folder / name).write_text("x\n")
    message = (
        "Zeile „eins“\n\n1\t2\tfile\n\n\nafter a gap\n0123456789012345678901234567890123456789"
    )
    repository.commit(message)
    repository.commit("next")

    _, row = read(repository.folder)

    assert {file["path"] for file in row["files"]} == set(names)
    assert all((file["added"], file["removed"]) == (1, 0) for file in row["files"])
    assert row["subject"] == "Zeile „eins“"
    assert row["message"].startswith("Zeile „eins“\n\n1\t2\tfile\n")


def test_a_rename_has_its_new_path_and_a_binary_file_no_lines(repository: Repository) -> None:
    (repository.folder / "old.txt").write_text("".join(f"{n}\n" for n in range(20)))
    repository.commit("Begin")
    (repository.folder / "old.txt").rename(repository.folder / "new.txt")
    (repository.folder / "image.bin").write_bytes(b"\0\1\2")
    repository.commit("Move", NOON + timedelta(minutes=1))

    assert read(repository.folder)[0]["files"] == [
        {"path": "image.bin", "added": None, "removed": None},
        {"path": "new.txt", "added": 0, "removed": 0},
    ]


def test_a_merge_has_two_parents_and_no_files(repository: Repository) -> None:
    base = repository.commit("base")
    repository.git("checkout", "-b", "side")
    (repository.folder / "side.txt").write_text("x\n")
    side = repository.commit("side", NOON + timedelta(minutes=1))
    repository.git("checkout", "main")
    main = repository.commit("main", NOON + timedelta(minutes=2))
    repository.git("merge", "--no-ff", "--message", "merge", "side")

    rows = {row["subject"]: row for row in read(repository.folder)}

    assert rows["merge"]["parents"] == [main, side]
    assert rows["merge"]["files"] == []
    assert rows["side"]["parents"] == [base]
    assert len(rows) == 4


def test_a_commit_without_message_or_files_is_a_row(repository: Repository) -> None:
    repository.commit("", NOON, "--allow-empty-message")

    (row,) = read(repository.folder)

    assert (row["subject"], row["message"].strip(), row["files"]) == ("", "", [])


def test_what_a_person_configured_changes_nothing(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository.folder / "a.txt").write_text("x\n")
    repository.commit("Begin")
    plain = read(repository.folder)
    for key, value in [
        ("log.showSignature", "true"), ("color.ui", "always"), ("log.decorate", "full"),
        ("log.date", "relative"), ("log.showRoot", "false"), ("i18n.logOutputEncoding", "latin1"),
    ]:  # fmt: skip
        repository.git("config", key, value)
    monkeypatch.setenv("GIT_DIR", str(repository.folder / "elsewhere"))

    assert read(repository.folder) == plain


def test_many_commits_come_in_pages(repository: Repository) -> None:
    for number in range(5):
        repository.commit(str(number), NOON + timedelta(minutes=number))

    pages = list(history.read_commits(repository.folder, None, 2))

    assert [[row["subject"] for row in page] for page in pages] == [["4", "3"], ["2", "1"], ["0"]]


def test_since_leaves_out_only_what_is_more_than_a_day_older(repository: Repository) -> None:
    for days in (5, 2, 0.5, 0):
        repository.commit(f"{days} days before", NOON - timedelta(days=days))

    rows = read(repository.folder, NOON)

    assert [row["subject"] for row in rows] == ["0 days before", "0.5 days before"]


def test_reading_can_stop_early(repository: Repository) -> None:
    for number in range(3):
        repository.commit(f"{number} " + "long " * 20_000, NOON + timedelta(minutes=number))

    pages = history.read_commits(repository.folder, None, 1)

    assert next(pages)[0]["subject"].startswith("2 ")
    pages.close()


def test_a_shallow_clone_ends_where_it_was_cut(repository: Repository, tmp_path: Path) -> None:
    for number in range(3):
        repository.commit(str(number), NOON + timedelta(minutes=number))
    clone = tmp_path / "clone"
    repository.git("clone", "--depth=2", f"file://{repository.folder}", str(clone))

    rows = read(clone)

    assert [row["subject"] for row in rows] == ["2", "1"]
    assert rows[1]["parents"] == []


def test_a_repository_without_commits_has_no_rows(repository: Repository) -> None:
    assert list(history.read_commits(repository.folder, None, 500)) == []


def test_a_folder_that_is_no_repository_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no git repository") as caught:
        read(tmp_path)

    assert str(tmp_path) in caught.value.message
    assert caught.value.at == "git: repository"
    assert "git init" in (caught.value.hint or "")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no folder .*missing"):
        read(tmp_path / "missing")


def test_without_the_git_program_it_says_so(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigError, match="'git' cannot be started: No such file"):
        read(repository.folder)


def test_a_damaged_repository_is_an_error_not_a_short_history(repository: Repository) -> None:
    first = repository.commit("Begin")
    repository.commit("Go on", NOON + timedelta(minutes=1))
    (repository.folder / ".git" / "objects" / first[:2] / first[2:]).unlink()

    with pytest.raises(SourceError, match="git stopped") as caught:
        read(repository.folder)

    assert "git fsck" in (caught.value.hint or "")
