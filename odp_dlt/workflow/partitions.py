"""Partitions as they are written: time windows, fixed keys, keys made at run time, or a pair."""

from typing import Literal

from odp_dlt.workflow.entry import Entry, Part


class DimensionParams(Part):
    """One dimension: time windows (the default), `static` keys, or `dynamic` ones.

    Time windows have either `schedule_type` or `cron_schedule`.
    """

    type: Literal["time", "static", "dynamic"] | None = None
    start: str | None = None
    end: str | None = None
    schedule_type: Literal["HOURLY", "DAILY", "WEEKLY", "MONTHLY"] | None = None
    cron_schedule: str | None = None
    timezone: str | None = None
    fmt: str | None = None
    minute_offset: int | None = None
    hour_offset: int | None = None
    day_offset: int | None = None
    end_offset: int | None = None
    exclusions: list[str] | None = None
    keys: list[str] | None = None
    name: str | None = None


class PartitionParams(DimensionParams):
    """The partitions of an asset: one dimension, or, with `dimensions`, two by name."""

    dimensions: dict[str, DimensionParams] | None = None


class Partition(Entry):
    """The partitions that some assets share."""

    assets: list[str]
    params: PartitionParams
