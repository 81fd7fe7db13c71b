"""What all of dlt uses, as far as its sources import it."""

from decimal import Decimal
from importlib import import_module
from time import sleep
from types import ModuleType

from odp_dlt.dlt.common import json, logger
from odp_dlt.schema.types import Wei


def __getattr__(name: str) -> ModuleType:
    """The modules that cost something to import, when they are asked for."""
    if name in ("jsonpath", "pendulum"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'dlt.common' has no attribute '{name}'")


__all__ = ["Decimal", "Wei", "json", "logger", "sleep"]
