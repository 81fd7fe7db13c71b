"""The base of configurations."""

from odp_dlt.settings.specs import BaseConfiguration, CredentialsConfiguration, configspec

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["BaseConfiguration", "CredentialsConfiguration", "configspec"]
