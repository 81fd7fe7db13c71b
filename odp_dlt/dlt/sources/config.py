"""Configurations of sources."""

from odp_dlt.extract.inject import with_config
from odp_dlt.settings.specs import configspec

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["configspec", "with_config"]
