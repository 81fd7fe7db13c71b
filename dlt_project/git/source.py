"""The commits of a local git repository."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from git.history import Row, read_commits
from odp_dlt import dlt
from odp_dlt.errors import ConfigError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
PAGE_SIZE = 500


@dlt.source
def git(repository: str = ".", since: str | None = None) -> Any:
    """Commits that HEAD reaches in the folder `repository`, from `since` (ISO, or all) onwards.

    A relative path counts from the folder that holds `dlt_project`, whatever the working directory:
    Dagster may run from anywhere. (A parameter named `path` would take $PATH when it is left out.)

    Incremental on the time of commit, which a rebase or an amend renews: the commit is then loaded
    under its new hash. Commits of one second are told apart by hash. A commit that was made before
    the newest one loaded, and reaches HEAD only later (a branch merged late), is not loaded by an
    incremental run.
    """
    begin = None if since is None else _moment(since)

    @dlt.resource(name="commits", primary_key="hash")
    def commits(
        updated: Any = dlt.sources.incremental("committed_at", initial_value=begin),
    ) -> Iterator[list[Row]]:
        # The order of the pages does not matter: the cursor moves when the load commits as a whole.
        folder = PROJECT_ROOT / Path(repository).expanduser()
        yield from read_commits(folder, updated.start_value, PAGE_SIZE)

    return commits


def _moment(since: str) -> datetime:
    try:
        moment = datetime.fromisoformat(since)
    except ValueError as e:
        raise ConfigError(
            f"'{since}' is not a date or a time",
            at="git: since",
            hint="Write it as 2024-01-31 or 2024-01-31T12:00:00Z.",
        ) from e
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
