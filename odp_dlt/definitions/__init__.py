"""Workflow files → Dagster; the only folder that imports dagster."""

from odp_dlt.definitions.build import build_definitions
from odp_dlt.definitions.resources import resource

__all__ = ["build_definitions", "resource"]
