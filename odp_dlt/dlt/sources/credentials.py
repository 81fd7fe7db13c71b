"""Credentials of sources."""

from odp_dlt.settings.credentials import (
    AwsCredentials,
    AzureCredentials,
    ConnectionStringCredentials,
    GcpCredentials,
    GcpOAuthCredentials,
    GcpServiceAccountCredentials,
    OAuth2Credentials,
)
from odp_dlt.settings.specs import CredentialsConfiguration, configspec

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = [
    "AwsCredentials",
    "AzureCredentials",
    "ConnectionStringCredentials",
    "CredentialsConfiguration",
    "GcpCredentials",
    "GcpOAuthCredentials",
    "GcpServiceAccountCredentials",
    "OAuth2Credentials",
    "configspec",
]
