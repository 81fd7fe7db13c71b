"""What runs at this moment, for code inside a resource."""

from odp_dlt.extract.current import (
    pipeline_name,
    resource_name,
    resource_state,
    source_name,
    source_state,
)

__all__ = ["pipeline_name", "resource_name", "resource_state", "source_name", "source_state"]
