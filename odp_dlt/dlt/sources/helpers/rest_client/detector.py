"""Guessing how an API goes on."""

from odp_dlt.sources.detect import (
    PaginatorFactory,
    cursor_paginator_detector,
    header_links_detector,
    json_links_detector,
    pages_number_paginator_detector,
    single_page_detector,
)

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = [
    "PaginatorFactory",
    "cursor_paginator_detector",
    "header_links_detector",
    "json_links_detector",
    "pages_number_paginator_detector",
    "single_page_detector",
]
