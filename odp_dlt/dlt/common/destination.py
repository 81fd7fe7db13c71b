"""Places to load into."""

from odp_dlt.destinations.base import Destination
from odp_dlt.dlt.common.typing import TLoaderFileFormat

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["Destination", "TLoaderFileFormat"]
