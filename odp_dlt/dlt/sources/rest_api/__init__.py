"""An API described by a dict."""

from odp_dlt.sources.rest_api.models import ClientConfig, Endpoint, EndpointResource, RESTAPIConfig
from odp_dlt.sources.rest_api.source import (
    create_auth,
    create_paginator,
    rest_api,
    rest_api_resources,
    rest_api_source,
)

__all__ = [
    "ClientConfig",
    "Endpoint",
    "EndpointResource",
    "RESTAPIConfig",
    "create_auth",
    "create_paginator",
    "rest_api",
    "rest_api_resources",
    "rest_api_source",
]
