"""dlt's spelling for what is here: with `from odp_dlt import dlt` its sources run unchanged."""

from odp_dlt.dlt import current, destinations, sources
from odp_dlt.extract.decorators import resource, source
from odp_dlt.extract.inject import TSecretStrValue, TSecretValue, Values
from odp_dlt.pipeline.pipeline import Pipeline
from odp_dlt.pipeline.script import pipeline, run

config = Values(secret=False)
secrets = Values(secret=True)

__all__ = [
    "Pipeline",
    "TSecretStrValue",
    "TSecretValue",
    "config",
    "current",
    "destinations",
    "pipeline",
    "resource",
    "run",
    "secrets",
    "source",
    "sources",
]
