"""What a hook may raise, and what the client raises."""

from odp_dlt.errors import SourceError as PaginatorNotFound
from odp_dlt.errors import SourceError as RESTClientException
from odp_dlt.sources.rest_client import IgnoreResponseException

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = [
    "IgnoreResponseException",
    "PaginatorNotFound",
    "RESTClientException",
]
