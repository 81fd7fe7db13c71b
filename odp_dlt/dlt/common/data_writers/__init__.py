"""How pages are held, and names written."""

from typing import Literal

from odp_dlt.destinations.statements import quoted as escape_postgres_identifier

TDataItemFormat = Literal["arrow", "object", "file", "model"]

__all__ = ["TDataItemFormat", "escape_postgres_identifier"]
