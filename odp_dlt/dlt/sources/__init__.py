"""What sources are made of, under dlt's names."""

from odp_dlt.dlt.common.typing import TDataItem, TDataItems
from odp_dlt.dlt.sources import config, credentials
from odp_dlt.extract.decorators import SourceFactory as AnySourceFactory
from odp_dlt.extract.incremental import Incremental as incremental  # noqa: N813 - dlt's name for it
from odp_dlt.extract.resource import Resource as DltResource
from odp_dlt.extract.source import Source as DltSource

__all__ = [
    "AnySourceFactory",
    "DltResource",
    "DltSource",
    "TDataItem",
    "TDataItems",
    "config",
    "credentials",
    "incremental",
]
