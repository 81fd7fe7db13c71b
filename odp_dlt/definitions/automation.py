"""`jobs` of the workflow files → Dagster's."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.workflow.load import together
from odp_dlt.workflow.models import Job, Position, Workflow

_BARE_KEY = re.compile(r"[*+\d]*(?P<bare>[A-Za-z_][\w/]*)[*+\d]*|key:\s*\"?(?P<key>[\w/]+)\"?")


def job_definitions(
    workflow: Workflow, assets: Sequence[dg.AssetsDefinition | dg.AssetSpec]
) -> list[Any]:
    """Every job; ConfigError that lists each selection that selects nothing."""
    jobs, problems = [], []
    for job in workflow.jobs:
        found = [_problem(job, index, assets) for index in range(len(job.asset_selection))]
        problems += [problem for problem in found if problem is not None]
        jobs.append(
            dg.define_asset_job(job.job_id, list(job.asset_selection), description=job.description)
        )
    if problems:
        raise together(problems)
    return jobs


def _problem(
    job: Job, index: int, assets: Sequence[dg.AssetsDefinition | dg.AssetSpec]
) -> ConfigError | None:
    text, at = job.asset_selection[index], job.origin.at("asset_selection", index)
    keys = [key.to_user_string() for one in assets for key in _keys(one)]
    named = _BARE_KEY.fullmatch(text.strip())
    if named and (name := named["bare"] or named["key"]) not in keys:
        return ConfigError(f"there is no asset '{name}' to select", at=at, hint=nearest(name, keys))
    return _unresolved(text, at, assets)


def _unresolved(
    text: str, at: Position, assets: Sequence[dg.AssetsDefinition | dg.AssetSpec]
) -> ConfigError | None:
    try:
        made = [one for one in assets if isinstance(one, dg.AssetsDefinition)]
        selected = dg.AssetSelection.from_string(text).resolve(made)
    except dg.DagsterError as e:
        return ConfigError(f"the selection '{text}' is not possible: {e}", at=at)
    return None if selected else ConfigError(f"the selection '{text}' selects no asset", at=at)


def _keys(one: dg.AssetsDefinition | dg.AssetSpec) -> Iterable[dg.AssetKey]:
    return [one.key] if isinstance(one, dg.AssetSpec) else one.keys
