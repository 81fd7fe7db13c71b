"""The names of types in signatures."""

from odp_dlt.sources.rest_api.models import ClientConfig, Endpoint, EndpointResource, RESTAPIConfig

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["ClientConfig", "Endpoint", "EndpointResource", "RESTAPIConfig"]
