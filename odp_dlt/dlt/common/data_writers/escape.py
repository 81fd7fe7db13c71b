"""Names in SQL."""

from odp_dlt.destinations.statements import quoted as escape_postgres_identifier

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["escape_postgres_identifier"]
