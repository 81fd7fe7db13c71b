"""The log of a source: Python's own, under the name of this package."""

import logging

__path__: list[str] = []  # so that a name which is not here is told by the finder

LOGGER = logging.getLogger("odp_dlt.source")

debug = LOGGER.debug
info = LOGGER.info
warning = LOGGER.warning
warn = LOGGER.warning
error = LOGGER.error
critical = LOGGER.critical
exception = LOGGER.exception

__all__ = ["LOGGER", "critical", "debug", "error", "exception", "info", "warn", "warning"]
