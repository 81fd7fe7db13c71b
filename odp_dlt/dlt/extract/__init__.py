"""What sources are made of."""

from odp_dlt.extract.decorators import resource, source, transformer
from odp_dlt.extract.incremental import Incremental
from odp_dlt.extract.marks import make_hints, with_hints, with_table_name
from odp_dlt.extract.pool import defer
from odp_dlt.extract.resource import Resource as DltResource
from odp_dlt.extract.source import Source as DltSource

__all__ = [
    "DltResource",
    "DltSource",
    "Incremental",
    "defer",
    "make_hints",
    "resource",
    "source",
    "transformer",
    "with_hints",
    "with_table_name",
]
