"""What runs at this moment, for code inside a resource."""

from odp_dlt.extract.current import (
    interval,
    pipeline,
    pipeline_name,
    resource,
    resource_name,
    resource_state,
    source,
    source_name,
    source_schema,
    source_state,
)

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = [
    "interval",
    "pipeline",
    "pipeline_name",
    "resource",
    "resource_name",
    "resource_state",
    "source",
    "source_name",
    "source_schema",
    "source_state",
]
