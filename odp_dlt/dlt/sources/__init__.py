"""What sources are made of, under dlt's names."""

from odp_dlt.extract.incremental import Incremental as incremental  # noqa: N813 - dlt's name for it
from odp_dlt.extract.resource import Resource as DltResource
from odp_dlt.extract.source import Source as DltSource

__all__ = ["DltResource", "DltSource", "incremental"]
