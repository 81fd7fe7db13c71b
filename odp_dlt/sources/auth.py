"""How a request says who asks: classes for `auth=` of requests and of the REST client.

All are configurations too, so that a source can take them from the settings.
"""

import base64
import time
from collections.abc import Iterable
from dataclasses import field
from typing import Any, Literal

import requests
from requests.auth import AuthBase

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.extract.http import Client
from odp_dlt.extract.inject import TSecretStrValue
from odp_dlt.settings.credentials import library
from odp_dlt.settings.specs import CredentialsConfiguration, configspec

_EARLY_S = 10
"""A token is renewed this long before it ends, so that it does not end on its way."""


class AuthConfigBase(AuthBase, CredentialsConfiguration):
    """The base of all; one of your own sets its mark on the request and returns that."""

    def __bool__(self) -> bool:
        """A configuration counts as given, whatever its fields are."""
        return True


@configspec
class BearerTokenAuth(AuthConfigBase):
    """`Authorization: Bearer <token>`."""

    token: TSecretStrValue

    def parse_native_representation(self, native_value: Any) -> None:
        """The token itself. ValueError if it is no text."""
        self.token = _text(native_value)

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["Authorization"] = f"Bearer {self.token}"
        return r


@configspec
class APIKeyAuth(AuthConfigBase):
    """A key under a name of its own, in the header, in the query ("query", "param") or a cookie."""

    name: str = "Authorization"
    api_key: TSecretStrValue
    location: Literal["header", "cookie", "query", "param"] = "header"

    def parse_native_representation(self, native_value: Any) -> None:
        """The key itself. ValueError if it is no text."""
        self.api_key = _text(native_value)

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        key = str(self.api_key)
        if self.location == "header":
            r.headers[self.name] = key
        elif self.location in ("query", "param"):
            r.prepare_url(r.url, {self.name: key})
        elif self.location == "cookie":
            before = r.headers.get("Cookie")
            r.headers["Cookie"] = f"{before}; {self.name}={key}" if before else f"{self.name}={key}"
        else:
            raise ConfigError(
                f"an API key cannot stand in '{self.location}'",
                hint="location is header, query, param or cookie.",
            )
        return r


@configspec
class HttpBasicAuth(AuthConfigBase):
    """A user and a password."""

    username: str
    password: TSecretStrValue

    def parse_native_representation(self, native_value: Any) -> None:
        """A pair of both. ValueError if it is none."""
        pair = list(native_value) if isinstance(native_value, Iterable) else []
        if isinstance(native_value, str) or len(pair) != 2:
            raise ValueError("not a pair of user and password")
        self.username, self.password = pair

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        both = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        r.headers["Authorization"] = f"Basic {both}"
        return r


@configspec
class OAuth2AuthBase(AuthConfigBase):
    """The base of what has a token of OAuth 2."""

    access_token: TSecretStrValue | None

    def parse_native_representation(self, native_value: Any) -> None:
        """The token itself. ValueError if it is no text."""
        self.access_token = _text(native_value)

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["Authorization"] = f"Bearer {self.access_token}"
        return r


@configspec
class _Renewing(OAuth2AuthBase):
    """Fetches its token when there is none, or when it ends. SourceError if it gets none."""

    default_token_expiration: int = 3600
    session: Any = None
    _ends: float = field(default=0.0, init=False, repr=False)

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.access_token is None or self.is_token_expired():
            self.obtain_token()
        return super().__call__(r)

    def is_token_expired(self) -> bool:
        """Whether the token has ended, or is about to."""
        return time.monotonic() >= self._ends

    def obtain_token(self) -> None:
        """Fetch a new token."""
        session = self.session or Client().session
        url, request = self.token_request()
        response = session.post(url, **request)
        response.raise_for_status()
        answer = response.json()
        token = self.parse_access_token(answer)
        if not token:
            raise SourceError("the answer holds no access_token", at=url)
        self.access_token = token
        seconds = self.parse_expiration_in_seconds(answer)
        self._ends = time.monotonic() + max(seconds - _EARLY_S, seconds / 2)

    def token_request(self) -> tuple[str, dict[str, Any]]:
        """Where the token comes from, and the keywords of the POST that fetches it."""
        raise NotImplementedError

    def parse_access_token(self, response_json: Any) -> str:
        """The token in the answer; empty if there is none."""
        return str(response_json.get("access_token") or "")

    def parse_expiration_in_seconds(self, response_json: Any) -> int:
        """For how long the token of the answer is good."""
        return int(response_json.get("expires_in", self.default_token_expiration))


@configspec
class OAuth2ClientCredentials(_Renewing):
    """A token for a client's id and secret, fetched from `access_token_url`."""

    access_token_url: str
    client_id: TSecretStrValue
    client_secret: TSecretStrValue
    access_token_request_data: dict[str, Any] | None

    def token_request(self) -> tuple[str, dict[str, Any]]:
        return self.access_token_url, self.build_access_token_request()

    def build_access_token_request(self) -> dict[str, Any]:
        """The keywords of the POST; a subclass may say others."""
        return {
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
            "data": {
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "grant_type": "client_credentials",
                **(self.access_token_request_data or {}),
            },
        }


@configspec
class OAuthJWTAuth(_Renewing):
    """A token for an assertion that is signed with a private key; needs PyJWT and cryptography."""

    client_id: str
    private_key: TSecretStrValue
    auth_endpoint: str
    scopes: str | list[str] | None
    headers: dict[str, str] | None
    private_key_passphrase: TSecretStrValue | None

    def token_request(self) -> tuple[str, dict[str, Any]]:
        jwt = library("jwt", "pyjwt")
        assertion = jwt.encode(self.create_jwt_payload(), self._key(), algorithm="RS256")
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        data = {"grant_type": grant, "assertion": assertion}
        return self.auth_endpoint, {"headers": self.headers, "data": data}

    def create_jwt_payload(self) -> dict[str, str | int]:
        """What is signed: good for an hour."""
        now = int(time.time())
        scopes = self.scopes
        said = {} if scopes is None else {"scope": _joined(scopes)}
        who: dict[str, str | int] = {"iss": self.client_id, "sub": self.client_id}
        return {**who, "aud": self.auth_endpoint, "exp": now + 3600, "iat": now, **said}

    def _key(self) -> Any:
        serialization = library("cryptography.hazmat.primitives.serialization", "cryptography")
        phrase = self.private_key_passphrase
        password = phrase.encode() if phrase else None
        return serialization.load_pem_private_key(str(self.private_key).encode(), password)


def _joined(scopes: str | list[str]) -> str:
    return scopes if isinstance(scopes, str) else " ".join(scopes)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value
