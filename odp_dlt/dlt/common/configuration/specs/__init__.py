"""Configurations of several fields."""

from odp_dlt.extract.context import ConfigSectionContext
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
    "ConfigSectionContext",
    "ConnectionStringCredentials",
    "CredentialsConfiguration",
    "GcpCredentials",
    "GcpOAuthCredentials",
    "GcpServiceAccountCredentials",
    "OAuth2Credentials",
    "configspec",
]
