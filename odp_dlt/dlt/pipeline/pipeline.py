"""Pipelines under the name of their class."""

from odp_dlt.pipeline.pipeline import Pipeline

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["Pipeline"]
