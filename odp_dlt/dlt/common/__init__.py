"""What all of dlt uses, as far as its sources import it."""

from decimal import Decimal
from importlib import import_module
from time import sleep
from types import ModuleType

from odp_dlt.dlt.common import json, logger


def __getattr__(name: str) -> ModuleType:
    """The module `pendulum`, which needs that library."""
    if name == "pendulum":
        return import_module(f"{__name__}.pendulum")
    raise AttributeError(f"module 'dlt.common' has no attribute '{name}'")


__all__ = ["Decimal", "json", "logger", "sleep"]
