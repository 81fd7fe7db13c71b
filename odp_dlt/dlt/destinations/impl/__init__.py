"""What belongs to one destination."""

__all__ = []
