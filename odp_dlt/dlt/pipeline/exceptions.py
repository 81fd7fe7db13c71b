"""What a run raises, under dlt's names. An error is not wrapped here: each name is a base of it."""

from odp_dlt.errors import ConfigError, DestinationError
from odp_dlt.errors import ConfigError as InvalidPipelineName
from odp_dlt.errors import ConfigError as PipelineConfigMissing
from odp_dlt.errors import DestinationError as CannotRestorePipelineException
from odp_dlt.errors import OdpError as PipelineException
from odp_dlt.errors import OdpError as PipelineStepFailed

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = [
    "CannotRestorePipelineException",
    "ConfigError",
    "DestinationError",
    "InvalidPipelineName",
    "PipelineConfigMissing",
    "PipelineException",
    "PipelineStepFailed",
]
