"""Small functions of the client."""

from odp_dlt.sources.rest_client import joined as join_url

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = [
    "join_url",
]
