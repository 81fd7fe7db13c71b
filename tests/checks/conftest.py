"""One place of every kind, so that each check is judged by each kind of SQL."""

from tests.destinations.conftest import place

__all__ = ["place"]
