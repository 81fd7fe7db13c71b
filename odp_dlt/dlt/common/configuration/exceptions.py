"""What is wrong with a configuration."""

from odp_dlt.errors import ConfigError as ConfigValueCannotBeCoercedException
from odp_dlt.errors import ConfigError as ConfigurationException
from odp_dlt.errors import ConfigError as ConfigurationValueError
from odp_dlt.errors import MissingSetting as ConfigFieldMissingException
from odp_dlt.extract.context import ContextDefaultCannotBeCreated

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = [
    "ConfigFieldMissingException",
    "ConfigValueCannotBeCoercedException",
    "ConfigurationException",
    "ConfigurationValueError",
    "ContextDefaultCannotBeCreated",
]
