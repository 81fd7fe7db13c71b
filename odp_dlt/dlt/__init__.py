"""dlt's spelling for what is here: with `from odp_dlt import dlt` its sources run unchanged.

Modules that need more than the engine (requests, pendulum) are imported when they are asked for.
"""

from importlib import import_module
from types import ModuleType

from odp_dlt import __version__
from odp_dlt.dlt import absent, current, destinations, mark, progress, sources
from odp_dlt.dlt.pipeline import Pipeline, attach, pipeline, run
from odp_dlt.extract.decorators import resource, source, transformer
from odp_dlt.extract.inject import TSecretStrValue, TSecretValue, Values
from odp_dlt.extract.pool import defer
from odp_dlt.pipeline.dataset import Dataset
from odp_dlt.pipeline.relation import Relation
from odp_dlt.schema.model import Schema

config = Values(secret=False)
secrets = Values(secret=True)

absent.tell()


def __getattr__(name: str) -> ModuleType:
    """The modules `common` and `extract`. AttributeError for what is not offered."""
    if name in ("common", "extract"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"dlt.{name} is not offered by odp_dlt: {absent.LOOK}")


__all__ = [
    "Dataset",
    "Pipeline",
    "Relation",
    "Schema",
    "TSecretStrValue",
    "TSecretValue",
    "__version__",
    "attach",
    "config",
    "current",
    "defer",
    "destinations",
    "mark",
    "pipeline",
    "progress",
    "resource",
    "run",
    "secrets",
    "source",
    "sources",
    "transformer",
]
