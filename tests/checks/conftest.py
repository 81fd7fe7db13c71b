"""One place of every kind, so that each check is judged by each kind of SQL."""

from tests.destinations.conftest import database, place, postgres

__all__ = ["database", "place", "postgres"]
