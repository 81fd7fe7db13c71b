"""The names of types in signatures."""

from typing import Literal

from odp_dlt.sources.rest_client import Hooks

__path__: list[str] = []  # so that a name which is not here is told by the finder

HTTPMethodBasic = Literal["GET", "POST"]
HTTPMethod = str

__all__ = [
    "HTTPMethod",
    "HTTPMethodBasic",
    "Hooks",
]
