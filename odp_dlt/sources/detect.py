"""Guessing from a response where its rows are, and how it goes on."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from requests import Response

from odp_dlt.sources.paginators import (
    BasePaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
)

RECORD_KEYS = frozenset(
    {
        *("data", "items", "results", "entries", "records", "rows", "entities", "payload"),
        *("content", "objects", "values"),
    }
)
_TOTAL_PAGES = frozenset({"total_pages", "pages", "totalpages"})
_DEEPEST = 3  # levels in which lists of rows are looked for

Way = tuple[str, ...]
Found = tuple[BasePaginator | None, float | None]
Detector = Callable[[Response], Found]


def rows_path(body: Any) -> str:
    """Where the rows of a response are: a list under a usual name, else the first; `$` for all."""
    if not isinstance(body, dict):
        return "$"
    lists = list(_lists(body))
    usual = [way for way in lists if way[-1] in RECORD_KEYS]
    return _spelled(next(iter([*usual, *lists]), ()))


def header_links_detector(response: Response) -> Found:
    """A next page in the Link header."""
    return (HeaderLinkPaginator(), 1.0) if response.links.get("next") else (None, None)


def json_links_detector(response: Response) -> Found:
    """A URL under `next` in the body."""
    found = _next(response.json())
    if found is None or not str(found[1]).startswith(("http", "/")):
        return None, None
    return JSONLinkPaginator(_spelled(found[0])), 1.0


def pages_number_paginator_detector(response: Response) -> Found:
    """A number of pages in the body."""
    for way, value in _leaves(response.json()):
        if way[-1].lower() in _TOTAL_PAGES and str(value).isdigit():
            return PageNumberPaginator(total_path=_spelled(way)), 0.5
    return None, None


def cursor_paginator_detector(response: Response) -> Found:
    """Anything else under `next` in the body."""
    found = _next(response.json())
    return (None, None) if found is None else (JSONResponseCursorPaginator(_spelled(found[0])), 0.5)


def single_page_detector(response: Response) -> Found:
    """The last resort: one page."""
    return SinglePagePaginator(), 0.0


class PaginatorFactory:
    """Asks detectors in turn. Each gives a paginator with how sure it is, 1.0 being certain."""

    def __init__(self, detectors: Sequence[Detector] | None = None) -> None:
        self.detectors = list(detectors or _DETECTORS)

    def create_paginator(self, response: Response) -> Found:
        """The first paginator that fits, with how sure that is; two Nones if none does."""
        answers = (detector(response) for detector in self.detectors)
        return next((answer for answer in answers if answer[0] is not None), (None, None))


_DETECTORS: tuple[Detector, ...] = (
    header_links_detector,
    json_links_detector,
    pages_number_paginator_detector,
    cursor_paginator_detector,
    single_page_detector,
)


def _lists(body: dict[str, Any], way: Way = ()) -> Iterator[Way]:
    if len(way) >= _DEEPEST:
        return
    for key, value in body.items():
        if isinstance(value, list):
            yield (*way, key)
        elif isinstance(value, dict):
            yield from _lists(value, (*way, key))


def _leaves(body: Any, way: Way = ()) -> Iterator[tuple[Way, Any]]:
    """Numbers and texts in nested dicts, each with the way to it."""
    if not isinstance(body, dict):
        return
    for key, value in body.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*way, key))
        elif isinstance(value, (str, int, float)):
            yield (*way, key), value


def _next(body: Any) -> tuple[Way, Any] | None:
    """What stands under a key that begins with `next`, or in `href` or `url` below such a key."""
    for way, value in _leaves(body):
        if way[-1].lower().startswith("next"):
            return way, value
        if len(way) > 1 and way[-2].lower().startswith("next") and _is_link(way[-1]):
            return way, value
    return None


def _is_link(key: str) -> bool:
    return key.lower().startswith(("href", "url"))


def _spelled(way: Way) -> str:
    """The path for a way, its names quoted where they need it."""
    return ".".join(k if re.fullmatch(r"\w+", k) else f"'{k}'" for k in way) or "$"
