"""How names become names of tables and columns."""

__all__ = []
