"""When a request is tried again."""

from odp_dlt.extract.http import RETRIED_ERRORS as DEFAULT_RETRY_EXCEPTIONS
from odp_dlt.extract.http import RETRIED_STATUS as DEFAULT_RETRY_STATUS
from odp_dlt.extract.http import Client

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["DEFAULT_RETRY_EXCEPTIONS", "DEFAULT_RETRY_STATUS", "Client"]
