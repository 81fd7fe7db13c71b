"""Nested data into Dagster: YAML workflow assets and an embedded, dlt-compatible load engine."""

import importlib
from typing import Any

__version__ = "0.1.0"

_COMPONENTS = ("DltLoad", "OdpProject")


def __getattr__(name: str) -> Any:
    """Dagster's components, which Dagster looks for here; imported only when asked for."""
    if name in _COMPONENTS:
        return getattr(importlib.import_module("odp_dlt.definitions.component"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *_COMPONENTS])
