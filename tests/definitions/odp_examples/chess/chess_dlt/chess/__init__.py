"""Players of a chess site, and the games that they played in a span of months."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import requests

from odp_dlt import dlt


@dlt.source(name="chess")
def source(
    players: list[str],
    start_month: str | None = None,
    end_month: str | None = None,
    api_url: str = "https://api.chess.com/pub",
) -> Any:
    """`players` by their names; the months as YYYY/MM, both of them taken."""

    @dlt.resource
    def players_profiles() -> Iterator[Any]:
        for player in players:
            yield _read(f"{api_url}/player/{player}")

    @dlt.resource
    def players_games() -> Iterator[Any]:
        for player in players:
            for month in _months(start_month, end_month):
                yield _read(f"{api_url}/player/{player}/games/{month}")["games"]

    return players_profiles, players_games


def _months(first: str | None, last: str | None) -> list[str]:
    """Every month from the one to the other; none if one is missing."""
    if first is None or last is None:
        return []
    (year, month), (last_year, last_month) = (map(int, text.split("/")) for text in (first, last))
    numbers = range(year * 12 + month - 1, last_year * 12 + last_month)
    return [date(number // 12, number % 12 + 1, 1).strftime("%Y/%m") for number in numbers]


def _read(url: str) -> Any:
    answer = requests.get(url, timeout=30)
    answer.raise_for_status()
    return answer.json()
