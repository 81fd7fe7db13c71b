"""The client itself."""

from requests import Request, Response

from odp_dlt.sources.rest_client import Hooks, PageData, RESTClient, raise_for_status

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = [
    "Hooks",
    "PageData",
    "RESTClient",
    "Request",
    "Response",
    "raise_for_status",
]
