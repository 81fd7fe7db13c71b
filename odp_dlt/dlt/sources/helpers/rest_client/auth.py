"""How a request says who asks."""

from odp_dlt.sources.auth import (
    APIKeyAuth,
    AuthConfigBase,
    BearerTokenAuth,
    HttpBasicAuth,
    OAuth2AuthBase,
    OAuth2ClientCredentials,
    OAuthJWTAuth,
)

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = [
    "APIKeyAuth",
    "AuthConfigBase",
    "BearerTokenAuth",
    "HttpBasicAuth",
    "OAuth2AuthBase",
    "OAuth2ClientCredentials",
    "OAuthJWTAuth",
]
