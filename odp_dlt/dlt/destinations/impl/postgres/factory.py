"""Types of PostgreSQL."""

from odp_dlt.destinations.postgres_types import PostgresTypeMapper

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["PostgresTypeMapper"]
