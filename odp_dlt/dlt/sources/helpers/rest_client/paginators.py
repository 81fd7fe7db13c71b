"""How an API goes on after a page."""

from odp_dlt.sources.paginators import (
    BaseNextUrlPaginator,
    BasePaginator,
    BaseReferencePaginator,
    HeaderCursorPaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    JSONResponsePaginator,
    OffsetPaginator,
    PageNumberPaginator,
    RangePaginator,
    SinglePagePaginator,
)

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = [
    "BaseNextUrlPaginator",
    "BasePaginator",
    "BaseReferencePaginator",
    "HeaderCursorPaginator",
    "HeaderLinkPaginator",
    "JSONLinkPaginator",
    "JSONResponseCursorPaginator",
    "JSONResponsePaginator",
    "OffsetPaginator",
    "PageNumberPaginator",
    "RangePaginator",
    "SinglePagePaginator",
]
