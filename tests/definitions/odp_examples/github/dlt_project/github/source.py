"""The pull requests of a repository that were opened on a day or later."""

from collections.abc import Iterator
from typing import Any

import requests

from odp_dlt import dlt


@dlt.source(name="github")
def github(repo: str, since: str, api_url: str = "https://api.github.com") -> Any:
    """`repo` is owner/name, `since` a day as YYYY-MM-DD."""

    @dlt.resource(primary_key="id")
    def pull_requests() -> Iterator[Any]:
        answer = requests.get(f"{api_url}/repos/{repo}/pulls", {"state": "all"}, timeout=30)
        answer.raise_for_status()
        yield [row for row in answer.json() if row["created_at"] >= since]

    return pull_requests
