"""What the source's author has to mend."""

from odp_dlt.errors import SourceError as DltResourceException
from odp_dlt.errors import SourceError as DltSourceException
from odp_dlt.errors import SourceError as ResourceExtractionError

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["DltResourceException", "DltSourceException", "ResourceExtractionError"]
