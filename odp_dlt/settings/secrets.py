"""The secrets of a project as environment variables, for as long as a load runs.

The source's own code, and the programs that it starts, may look for them there.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import Any

import orjson

from odp_dlt.settings.lookup import Settings


def secrets_environment(settings: Settings) -> dict[str, str]:
    """All of secrets.toml as `SECTION__KEY` → text; the source's own folder comes first."""
    found: dict[str, str] = {}
    for file in settings.secrets_files:
        for name, value in _flat(file.content):
            found.setdefault(name, value)
    return found


@contextmanager
def exported(settings: Settings, environ: MutableMapping[str, str]) -> Iterator[None]:
    """Adds the secrets that `environ` does not hold already, and takes just those out again."""
    secrets = secrets_environment(settings)
    settings.memory.told.update(secrets.values())
    added = {k: v for k, v in secrets.items() if k not in environ}
    environ.update(added)
    try:
        yield
    finally:
        for name in added:
            environ.pop(name, None)


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        name = f"{prefix}{key.upper()}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}__")
        else:
            yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return orjson.dumps(value).decode()
