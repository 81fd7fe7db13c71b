"""Values of one type as another."""

from odp_dlt.normalize.coerced import coerce_value

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["coerce_value"]
