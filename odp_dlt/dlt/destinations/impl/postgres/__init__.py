"""What belongs to PostgreSQL."""

__all__ = []
