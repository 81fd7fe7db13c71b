"""`automation` and `freshness` of an asset → Dagster's conditions and policies."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import dagster as dg

from odp_dlt.definitions.refused import REFUSED, reason
from odp_dlt.errors import ConfigError
from odp_dlt.workflow.asset import AssetSettings, Freshness
from odp_dlt.workflow.models import Position

At = Callable[..., Position]
"""The position of a key of the settings, such as `at("freshness", "fail_window")`."""

LEAST_WINDOW_S = 60
_A_MINUTE = timedelta(minutes=1)


def automation_condition(settings: AssetSettings, at: At) -> dg.AutomationCondition[Any] | None:
    """When Dagster materializes the asset by itself; ConfigError for a cron that is none."""
    said = settings.automation
    if said is None:
        return None
    if said == "eager":
        return dg.AutomationCondition.eager()
    if said == "on_missing":
        return dg.AutomationCondition.on_missing()
    try:
        zone = said.timezone or "UTC"
        dg.FreshnessPolicy.cron(said.on_cron, _A_MINUTE, zone)  # judges both at once
        return dg.AutomationCondition.on_cron(said.on_cron, zone)
    except REFUSED as e:
        message = f"this automation is not possible: {reason(e)}"
        raise ConfigError(message, at=at("automation", "on_cron")) from e


def freshness_policy(settings: AssetSettings, at: At) -> dg.FreshnessPolicy | None:
    """How old the asset may become; ConfigError for one that Dagster cannot hold it to."""
    said = settings.freshness
    if said is None:
        return None
    _must_be_whole(said, at)
    try:
        if said.deadline_cron is not None:
            assert said.lower_bound is not None, "judged above"
            zone = said.timezone or "UTC"
            return dg.FreshnessPolicy.cron(said.deadline_cron, said.lower_bound, zone)
        assert said.fail_window is not None, "judged above"
        return dg.FreshnessPolicy.time_window(said.fail_window, said.warn_window)
    except REFUSED as e:
        raise ConfigError(f"this freshness is not possible: {reason(e)}", at=at("freshness")) from e


def _must_be_whole(said: Freshness, at: At) -> None:
    """Either a window or a deadline, with what belongs to it and nothing else."""
    if (said.fail_window is None) == (said.deadline_cron is None):
        raise ConfigError(
            "freshness needs either `fail_window` or `deadline_cron`", at=at("freshness")
        )
    window = said.fail_window is not None
    for name in ("lower_bound", "timezone") if window else ("warn_window",):
        if getattr(said, name) is not None:
            other = "fail_window" if window else "deadline_cron"
            message = f"freshness with `{other}` has no `{name}`"
            raise ConfigError(message, at=at("freshness", name))
    if not window and said.lower_bound is None:
        raise ConfigError(
            "freshness with `deadline_cron` needs `lower_bound`",
            at=at("freshness", "deadline_cron"),
            hint="It says how long before the deadline a materialization counts, such as 6h.",
        )
    for name in ("fail_window", "warn_window", "lower_bound"):
        span: Any = getattr(said, name)
        if span is not None and span.total_seconds() < LEAST_WINDOW_S:
            message = f"'{name}' is {span.total_seconds():g} seconds; the least is one minute"
            raise ConfigError(message, at=at("freshness", name))
