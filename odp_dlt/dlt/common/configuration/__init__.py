"""Configurations, and what is wrong with them."""

from odp_dlt.errors import ConfigError as ConfigValueCannotBeCoercedException
from odp_dlt.errors import ConfigError as ConfigurationValueError
from odp_dlt.errors import MissingSetting as ConfigFieldMissingException
from odp_dlt.extract.inject import with_config
from odp_dlt.settings.specs import configspec

__all__ = [
    "ConfigFieldMissingException",
    "ConfigValueCannotBeCoercedException",
    "ConfigurationValueError",
    "configspec",
    "with_config",
]
