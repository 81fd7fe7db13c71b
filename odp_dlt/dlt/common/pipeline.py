"""What a run tells."""

from odp_dlt.extract.context import StateInjectableContext
from odp_dlt.pipeline.info import LoadInfo

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["LoadInfo", "StateInjectableContext"]
