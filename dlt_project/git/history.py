"""Reads commits from the `git` program, as a stream."""

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from odp_dlt.errors import ConfigError, SourceError

Row = dict[str, Any]

# One token each, ended by NUL, the one character that no field can hold.
FIELDS = ("%H", "%P", "%ct", "%an", "%ae", "%at", "%cn", "%ce", "%s", "%B")

# git stops walking at commits older than --since; where clocks were wrong, newer ones lie behind.
OVERLAP = timedelta(days=1)

# What a person has configured, or a git hook exports, must not change what is read.
LOG = (
    "-c", "log.showRoot=true", "log", "-z", "--numstat", "--find-renames", "--no-show-signature",
    "--no-ext-diff", "--no-textconv", "--no-color", "--encoding=UTF-8",
    f"--format={''.join(f'{field}%x00' for field in FIELDS)}",
)  # fmt: skip
FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")


def read_commits(folder: Path, since: datetime | None, page_size: int) -> Iterator[list[Row]]:
    """Pages of the commits that HEAD reaches, mostly newest first; none in an empty repository.

    With `since` git leaves out older commits, but not exactly: some from up to a day before come
    too. A merge has no files. `added` and `removed` are None for a binary file; a renamed file has
    its new path. Bytes that are not UTF-8 become U+FFFD. The oldest commit of a shallow clone looks
    like a first commit: without parents, all files added.

    ConfigError if `folder` is no repository or git is not installed.
    """
    if not _has_commits(folder):
        return
    window = [] if since is None else [f"--since={(since - OVERLAP).isoformat()}"]
    page: list[Row] = []
    for row in _parse(_tokens(folder, [*LOG, *window, "HEAD", "--"])):
        page.append(row)
        if len(page) == page_size:
            yield page
            page = []
    if page:
        yield page


def _has_commits(folder: Path) -> bool:
    if not folder.is_dir():
        raise ConfigError(
            f"there is no folder {folder}",
            at="git: repository",
            hint="Give the folder of a repository; a relative path counts from the project's root.",
        )
    with _started(folder, ["rev-parse", "--git-dir"]) as process:
        _, complaint = process.communicate()
    if process.returncode != 0:
        raise ConfigError(
            f"{folder} is no git repository ({complaint.decode(errors='replace').strip()})",
            at="git: repository",
            hint="Give the folder of a repository, or make this one: git init.",
        )
    with _started(folder, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]) as process:
        process.communicate()
    return process.returncode == 0


def _tokens(folder: Path, arguments: list[str]) -> Iterator[str]:
    """What git prints, cut at each NUL, as it comes."""
    with TemporaryFile() as errors, _started(folder, arguments, errors) as process:
        assert process.stdout is not None
        rest = b""
        try:
            while chunk := process.stdout.read(1 << 16):
                *whole, rest = (rest + chunk).split(b"\0")
                for token in whole:
                    yield token.decode(errors="replace")
        finally:
            if process.poll() is None:
                process.stdout.close()  # whoever reads stopped early; git ends at its next write
        if process.wait() != 0:
            errors.seek(0)
            raise SourceError(
                f"git stopped: {errors.read().decode(errors='replace').strip()}",
                at=folder,
                hint="Run 'git fsck' in that folder.",
            )


def _parse(tokens: Iterator[str]) -> Iterator[Row]:
    """Commits, from each one's fields and then, up to the next commit, its files."""
    row: Row | None = None
    for token in tokens:
        if "\t" in token:
            assert row is not None
            row["files"].append(_file(token.lstrip("\n"), tokens))
        elif token.strip("\n"):
            if row is not None:
                yield row
            row = _commit(token.strip("\n"), [next(tokens) for _ in FIELDS[1:]])
    if row is not None:
        yield row


def _commit(commit_hash: str, fields: list[str]) -> Row:
    parents, committed, author, author_email, authored, *rest = fields
    committer, committer_email, subject, message = rest
    committed_at = _moment(committed)
    return {
        "hash": commit_hash,
        "committed_at": committed_at,
        "author": {"name": author, "email": author_email, "date": _moment(authored)},
        "committer": {"name": committer, "email": committer_email, "date": committed_at},
        "subject": subject,
        "message": message,
        "parents": parents.split(),
        "files": [],
    }


def _file(token: str, tokens: Iterator[str]) -> Row:
    added, removed, path = token.split("\t", 2)
    if not path:  # a rename: the old path and the new one follow as tokens
        next(tokens)
        path = next(tokens)
    counts = [None if count == "-" else int(count) for count in (added, removed)]
    return {"path": path, "added": counts[0], "removed": counts[1]}


def _moment(seconds: str) -> datetime | None:
    """None for a time that no calendar holds; git accepts any number that a commit claims."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _started(
    folder: Path, arguments: list[str], errors: IO[bytes] | int = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    settings = {key: value for key, value in os.environ.items() if key not in FOREIGN}
    try:
        return subprocess.Popen(
            ["git", "--no-pager", "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**settings, "LC_ALL": "C"},
        )
    except OSError as e:
        raise ConfigError(
            f"the program 'git' cannot be started: {e.strerror}",
            at="PATH",
            hint="Install git (https://git-scm.com) or put it on PATH.",
        ) from e
