"""What a destination raises."""

from odp_dlt.errors import DestinationError as DatabaseException
from odp_dlt.errors import DestinationError as DatabaseTerminalException
from odp_dlt.errors import DestinationError as DatabaseUndefinedRelation
from odp_dlt.errors import DestinationError as DestinationTerminalException
from odp_dlt.errors import RetriableError as DatabaseTransientException
from odp_dlt.errors import RetriableError as DestinationTransientException

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = [
    "DatabaseException",
    "DatabaseTerminalException",
    "DatabaseTransientException",
    "DatabaseUndefinedRelation",
    "DestinationTerminalException",
    "DestinationTransientException",
]
