"""Where the settings of what runs stand."""

from odp_dlt.extract.context import ConfigSectionContext

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["ConfigSectionContext"]
