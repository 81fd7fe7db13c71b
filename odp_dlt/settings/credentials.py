"""The credentials that dlt's sources ask for, as configurations.

The libraries that turn them into connections are imported only when that is asked for.
"""

from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from odp_dlt.errors import ConfigError
from odp_dlt.settings.specs import CredentialsConfiguration, configspec


@configspec
class ConnectionStringCredentials(CredentialsConfiguration):
    """`driver://user:password@host:port/database?key=value`, percent-encoded where needed."""

    drivername: str
    database: str | None
    password: str | None
    username: str | None
    host: str | None
    port: int | None
    query: dict[str, Any] | None

    def parse_native_representation(self, native_value: Any) -> None:
        """Take the fields from a connection string. ValueError if it is none."""
        if not isinstance(native_value, str) or "://" not in native_value:
            super().parse_native_representation(native_value)
            return
        parts = urlsplit(native_value)
        self.drivername = parts.scheme
        self.username = unquote(parts.username) if parts.username else None
        self.password = unquote(parts.password) if parts.password else None
        self.host, self.port = parts.hostname, parts.port
        self.database = unquote(parts.path.removeprefix("/")) or None
        self.query = dict(parse_qsl(parts.query)) or None

    def to_native_representation(self) -> str:
        """The connection string, with the password."""
        login = quote(self.username or "", safe="")
        if self.password:
            login += f":{quote(self.password, safe='')}"
        port = f":{self.port}" if self.port else ""
        query = f"?{urlencode(self.query)}" if self.query else ""
        at = f"{login}@" if login else ""
        return f"{self.drivername}://{at}{self.host or ''}{port}/{self.database or ''}{query}"

    def to_url(self) -> Any:
        """SQLAlchemy's URL. ConfigError if that is not installed."""
        return library("sqlalchemy.engine", "sqlalchemy").make_url(self.to_native_representation())


@configspec
class PostgresCredentials(ConnectionStringCredentials):
    """`postgresql://user:password@host:port/database?connect_timeout=15`."""

    drivername: str = "postgresql"
    database: str
    username: str
    password: str
    host: str
    port: int | None = 5432
    connect_timeout: int | None = 15

    def parse_native_representation(self, native_value: Any) -> None:
        """Take the fields from a connection string. ValueError if it is none."""
        port = self.port
        super().parse_native_representation(native_value)
        self.port = self.port or port
        told = (self.query or {}).get("connect_timeout")
        self.connect_timeout = self.connect_timeout if told is None else int(told)

    def to_native_representation(self) -> str:
        """The connection string, with the password."""
        plain = self.copy()
        timeout = {"connect_timeout": self.connect_timeout} if self.connect_timeout else {}
        plain.query = {**(self.query or {}), **timeout}
        return super(PostgresCredentials, plain).to_native_representation()


@configspec
class OAuth2Credentials(CredentialsConfiguration):
    """A client of OAuth 2, with the token that it refreshes."""

    client_id: str
    client_secret: str
    refresh_token: str | None
    scopes: list[str] | None
    token: str | None


@configspec
class GcpCredentials(CredentialsConfiguration):
    """What all of Google's credentials have."""

    project_id: str | None
    token_uri: str = "https://oauth2.googleapis.com/token"


@configspec
class GcpServiceAccountCredentials(GcpCredentials):
    """A Google service account; also whole, as the JSON of its key file."""

    project_id: str
    private_key: str
    client_email: str
    private_key_id: str | None
    type: str | None = "service_account"

    def on_resolved(self) -> None:
        """A key in an environment variable may have lost its line ends."""
        if self.private_key and not self.private_key.endswith("\n"):
            self.private_key += "\n"

    def to_native_credentials(self) -> Any:
        """google-auth's object. ConfigError if that is not installed."""
        account = library("google.oauth2.service_account", "google-auth")
        return account.Credentials.from_service_account_info(dict(self))


@configspec
class GcpOAuthCredentials(GcpCredentials):
    """A Google OAuth client with a refresh token."""

    client_id: str
    client_secret: str
    refresh_token: str
    scopes: list[str] | None
    token: str | None

    def to_native_credentials(self) -> Any:
        """google-auth's object. ConfigError if that is not installed."""
        module = library("google.oauth2.credentials", "google-auth")
        keys = ("client_id", "client_secret", "refresh_token", "scopes", "token_uri")
        return module.Credentials(self.token, **{key: getattr(self, key) for key in keys})


@configspec
class AwsCredentials(CredentialsConfiguration):
    """Keys of AWS; those that are left out come from where AWS's own client looks."""

    aws_access_key_id: str | None
    aws_secret_access_key: str | None
    aws_session_token: str | None
    profile_name: str | None
    region_name: str | None
    endpoint_url: str | None

    def to_session_credentials(self) -> dict[str, str | None]:
        """The keywords of `boto3.Session`."""
        keys = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        return {key: getattr(self, key) for key in keys}


@configspec
class AzureCredentials(CredentialsConfiguration):
    """The key, or the signature, of an Azure storage account."""

    azure_storage_account_name: str
    azure_storage_account_key: str | None
    azure_storage_sas_token: str | None


def library(module: str, package: str) -> Any:
    """The module of an optional library; ConfigError that says which package has it."""
    try:
        return import_module(module)
    except ImportError as e:
        raise ConfigError(
            f"these credentials need the library '{package}', which is not installed",
            hint=f"Add '{package}' to the project's requirements.",
        ) from e
