"""One workflow asset as it is written, and what can be said of each of its tables."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from odp_dlt.workflow.durations import Duration
from odp_dlt.workflow.entry import Entry, Part
from odp_dlt.workflow.partitions import PartitionParams


class RetryPolicy(Part):
    """How often and when a failed step starts again; only errors that a new start can mend do so.

    `delay` is in seconds.
    """

    max_retries: int = Field(1, ge=1)
    delay: float | None = Field(None, ge=0)
    backoff: Literal["linear", "exponential"] | None = None
    jitter: Literal["full", "plus_minus"] | None = None


class Freshness(Part):
    """How old an asset may be: a window since its last materialization, or a deadline by cron."""

    fail_window: Duration | None = None
    warn_window: Duration | None = None
    deadline_cron: str | None = None
    lower_bound: Duration | None = None
    timezone: str | None = None


class OnCron(Part):
    """Dagster's condition `on_cron`."""

    on_cron: str
    timezone: str | None = None


class ColumnSettings(Part):
    """What is said of one column beside what the schema knows."""

    description: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)


class Check(Part):
    """One check of one table. `type` names it; the keys that are not here are the type's params."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    name: str | None = None
    description: str | None = None
    severity: Literal["warn", "error"] = "error"
    blocking: bool = False

    @property
    def params(self) -> dict[str, Any]:
        """The keys that the type of check has for itself, as written."""
        return dict(self.model_extra or {})


class AssetSettings(Part):
    """What Dagster lets one say of an asset: of a whole workflow asset, or of one of its tables."""

    description: str | None = None
    group_name: str | None = None
    owners: list[str] = Field(default_factory=list)
    tags: dict[str, str] = Field(default_factory=dict)
    kinds: list[str] = Field(default_factory=list)
    metadata: dict[str, Any] = Field(default_factory=dict)
    deps: list[str] = Field(default_factory=list)
    code_version: str | None = None
    automation: Literal["eager", "on_missing"] | OnCron | None = None
    freshness: Freshness | None = None
    checks: list[Check] = Field(default_factory=list)


class TableSettings(AssetSettings):
    """What is said of one table, or of all whose names match a pattern, under `tables:`."""

    columns: dict[str, ColumnSettings] = Field(default_factory=dict)


class BackfillChunks(Part):
    """Backfills start a run for each so many partitions."""

    max_partitions_per_run: int = Field(ge=1)


class Asset(Entry, AssetSettings):
    """One workflow asset. Strings in `params` may hold templates.

    `resources` names those to use where the project has several of a kind. What `tables` says of a
    table (by its name, or by a pattern with `*`) is added to what the asset says, and wins over it.
    The rest counts for the one op that makes all the tables.
    """

    asset_key: str
    task_type: str
    params: dict[str, Any] = Field(default_factory=dict)
    resources: list[str] = Field(default_factory=list)
    depends_on: list[str] = Field(default_factory=list)
    deps_mapping: dict[str, Literal["identity", "last", "all"]] = Field(default_factory=dict)
    tables: dict[str, TableSettings] = Field(default_factory=dict)
    partition: PartitionParams | None = None
    backfill_policy: Literal["single_run"] | BackfillChunks | None = None
    selection_mode: Literal["resource", "strict"] = "resource"
    retry_policy: RetryPolicy | None = None
    timeout: Duration | None = None
    pool: str | None = None
    op_tags: dict[str, Any] = Field(default_factory=dict)
