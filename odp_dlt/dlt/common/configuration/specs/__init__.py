"""Configurations of several fields."""

from odp_dlt.settings.credentials import (
    AwsCredentials,
    AzureCredentials,
    ConnectionStringCredentials,
    GcpCredentials,
    GcpOAuthCredentials,
    GcpServiceAccountCredentials,
    OAuth2Credentials,
)
from odp_dlt.settings.specs import BaseConfiguration, CredentialsConfiguration, configspec

__all__ = [
    "AwsCredentials",
    "AzureCredentials",
    "BaseConfiguration",
    "ConnectionStringCredentials",
    "CredentialsConfiguration",
    "GcpCredentials",
    "GcpOAuthCredentials",
    "GcpServiceAccountCredentials",
    "OAuth2Credentials",
    "configspec",
]
