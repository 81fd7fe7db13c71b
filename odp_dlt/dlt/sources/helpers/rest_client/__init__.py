"""Reads an API page by page."""

from odp_dlt.dlt.sources.helpers.rest_client import auth, client, paginators
from odp_dlt.sources.auth import AuthConfigBase
from odp_dlt.sources.paginators import BasePaginator
from odp_dlt.sources.rest_client import Hooks, PageData, RESTClient, paginate

__all__ = [
    "AuthConfigBase",
    "BasePaginator",
    "Hooks",
    "PageData",
    "RESTClient",
    "auth",
    "client",
    "paginate",
    "paginators",
]
