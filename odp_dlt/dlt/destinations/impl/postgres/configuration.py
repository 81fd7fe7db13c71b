"""Credentials of PostgreSQL."""

from odp_dlt.settings.credentials import PostgresCredentials

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["PostgresCredentials"]
