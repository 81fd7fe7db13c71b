"""What sources are made of."""

# These modules have the names of functions: they are loaded first, the functions then take over.
from odp_dlt.dlt.extract.resource import DltResource
from odp_dlt.dlt.extract.source import DltSource
from odp_dlt.extract.decorators import resource, source, transformer
from odp_dlt.extract.incremental import Incremental
from odp_dlt.extract.marks import make_hints, with_hints, with_table_name
from odp_dlt.extract.pool import defer

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
