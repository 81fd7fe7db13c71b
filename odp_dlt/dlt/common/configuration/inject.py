"""Arguments that the settings give."""

from odp_dlt.extract.inject import with_config

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["with_config"]
