"""`jobs` of the workflow files → Dagster's."""

import functools
import operator
import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.workflow.load import together
from odp_dlt.workflow.models import Workflow

_BARE_KEY = re.compile(r"[*+\d]*([A-Za-z_][\w/]*)[*+\d]*")
_NAMED_KEY = re.compile(r"\bkey:\s*\"?([\w/]+)(?![\w/*])")


def job_definitions(
    workflow: Workflow, assets: Sequence[dg.AssetsDefinition | dg.AssetSpec]
) -> list[Any]:
    """Every job; ConfigError that lists each selection that selects nothing."""
    jobs, problems = [], []
    for job in workflow.jobs:
        selections = []
        for index, text in enumerate(job.asset_selection):
            try:
                selections.append(_selection(text, assets))
            except ConfigError as e:
                at = job.origin.at("asset_selection", index)
                problems.append(ConfigError(e.message, at=at, hint=e.hint))
        if not job.asset_selection:
            at = job.origin.at("asset_selection")
            problems.append(ConfigError(f"the job '{job.job_id}' selects no asset", at=at))
        elif selections:
            chosen = functools.reduce(operator.or_, selections)
            jobs.append(dg.define_asset_job(job.job_id, chosen, description=job.description))
    if problems:
        raise together(problems)
    return jobs


def parsed(text: str) -> dg.AssetSelection:
    """Dagster's selection for `text`, in its grammar of today or the older one (`a/b*`).

    Raises DagsterInvalidAssetSelectionError if it is in neither.
    """
    with warnings.catch_warnings():
        # Dagster 1.13 warns of a beta parameter that its own parser passes on
        warnings.filterwarnings("ignore", category=dg.BetaWarning, message=".*include_sources")
        return dg.AssetSelection.from_string(text)


def _selection(
    text: str, assets: Sequence[dg.AssetsDefinition | dg.AssetSpec]
) -> dg.AssetSelection:
    """What `text` selects. ConfigError, without its place, if that is nothing."""
    keys = [key.to_user_string() for one in assets for key in _keys(one)]
    bare = _BARE_KEY.fullmatch(text.strip())
    for name in [bare[1]] if bare else _NAMED_KEY.findall(text):
        if name not in keys:
            raise ConfigError(f"there is no asset '{name}' to select", hint=nearest(name, keys))
    try:
        selection = parsed(text)
        made = [one for one in assets if isinstance(one, dg.AssetsDefinition)]
        found = selection.resolve(made)
    except dg.DagsterError as e:
        raise ConfigError(f"the selection '{text}' is not possible: {e}") from e
    if not found:
        raise ConfigError(f"the selection '{text}' selects no asset that can be run")
    return selection


def _keys(one: dg.AssetsDefinition | dg.AssetSpec) -> Iterable[dg.AssetKey]:
    return [one.key] if isinstance(one, dg.AssetSpec) else one.keys
