"""Pipelines, under dlt's names."""

from odp_dlt.dlt.pipeline.pipeline import Pipeline
from odp_dlt.pipeline.script import attach, pipeline, run

__all__ = ["Pipeline", "attach", "pipeline", "run"]
