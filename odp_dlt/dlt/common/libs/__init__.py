"""Libraries that sources use."""

__all__ = []
