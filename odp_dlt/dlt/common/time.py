"""Moments from whatever an API gives."""

from datetime import timedelta

from odp_dlt.extract.moments import (
    ensure_date,
    ensure_datetime,
    ensure_pendulum_date,
    ensure_pendulum_datetime,
    parse_iso_like_datetime,
)

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = [
    "ensure_date",
    "ensure_datetime",
    "ensure_pendulum_date",
    "ensure_pendulum_datetime",
    "parse_iso_like_datetime",
    "timedelta",
]
