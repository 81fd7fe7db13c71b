"""Google's clients, opened and closed, and what they refuse."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from odp_dlt.errors import ConfigError, DestinationError, RetriableError

_AGAIN = frozenset({408, 429, 500, 502, 503, 504})  # what Google says may be tried again


def google(module: str, extra: str) -> Any:
    """A module of Google's clients; ConfigError that names the extra if it is not installed."""
    try:
        return import_module(module)
    except ImportError as e:
        raise ConfigError(
            f"the package with '{module}' is not installed",
            hint=f"Install it: pip install 'odp-dlt[{extra}]'.",
        ) from e


@contextmanager
def client(module: str, extra: str, **options: Any) -> Iterator[Any]:
    """The Client of `module`, closed after the `with`.

    ConfigError if the module is not installed, or no credentials are found. What Google refuses
    inside is a DestinationError, or a RetriableError if the same can succeed later. An emulator's
    address in Google's environment variables is heeded.
    """
    made = google(module, extra)
    auth = google("google.auth.exceptions", extra)
    refused = google("google.api_core.exceptions", extra)
    if os.environ.get("BIGQUERY_EMULATOR_HOST") and extra == "bigquery":  # it knows no log-in
        options["credentials"] = google("google.auth.credentials", extra).AnonymousCredentials()
    try:
        opened = made.Client(**options)
    except (auth.GoogleAuthError, OSError) as e:  # OSError: no project is found
        raise ConfigError(
            f"Google's client cannot be made: {e}",
            hint="Log in with `gcloud auth application-default login`, or set "
            "GOOGLE_APPLICATION_CREDENTIALS to a key file; name `project` in the resource.",
        ) from e
    try:
        yield opened
    except refused.GoogleAPICallError as e:
        kind = RetriableError if e.code in _AGAIN else DestinationError
        raise kind(f"Google refuses: {e.message}") from e
    except auth.GoogleAuthError as e:
        raise ConfigError(f"Google's credentials do not work: {e}") from e
    finally:
        opened.close()
