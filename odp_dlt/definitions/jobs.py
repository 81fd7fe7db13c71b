"""`jobs` of the workflow files → Dagster's."""

import functools
import operator
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from odp_dlt.definitions.refused import REFUSED, quiet_about_owners, reason
from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.workflow.automation import Executor, PartitionSchedule
from odp_dlt.workflow.load import together
from odp_dlt.workflow.models import Job, Position, Workflow

Asset = dg.AssetsDefinition | dg.AssetSpec

MAX_RETRIES = "dagster/max_retries"

_TAG_KEY = re.compile(r"([\w.-]{1,63}/)?[\w.-]{1,63}", re.ASCII)
_BARE_KEY = re.compile(r"[*+\d]*([A-Za-z_][\w/]*)[*+\d]*")
_NAMED_KEY = re.compile(r"\bkey:\s*\"?([\w/]+)(?![\w/*])")


@dataclass(frozen=True)
class PlannedJob:
    """A job with Dagster's definition of it, the keys of its assets, and their partitions."""

    job: Job
    definition: Any
    assets: frozenset[str]
    partitions: dg.PartitionsDefinition[str] | None

    def at(self, trigger: int, *path: str | int) -> Position:
        """Where a key of the trigger with the number `trigger` is written."""
        return self.job.origin.at("triggers", trigger, *path)


@dataclass(frozen=True)
class _Choice:
    """What jobs can select of: the keys of all assets, and the graph of those that can be run."""

    keys: frozenset[str]
    made: Sequence[dg.AssetsDefinition]
    graph: Any

    @classmethod
    def of(cls, assets: Sequence[Asset], resources: Mapping[str, Any]) -> "_Choice":
        """Made once: each selection would make the graph anew."""
        made = [one for one in assets if isinstance(one, dg.AssetsDefinition)]
        graph = dg.Definitions(assets=made, resources=resources).resolve_asset_graph()
        keys = frozenset(key.to_user_string() for one in assets for key in keys_of(one))
        return cls(keys, made, graph)


def planned_jobs(
    workflow: Workflow, assets: Sequence[Asset], resources: Mapping[str, Any]
) -> list[PlannedJob]:
    """Every job; ConfigError that lists all that is wrong with them."""
    if not workflow.jobs:
        return []
    choice = _Choice.of(assets, resources)
    found: list[PlannedJob] = []
    problems: list[ConfigError] = []
    for job in workflow.jobs:
        selections, wrong = _selections(job, choice)
        wrong += _wrong_tags(job)
        problems += wrong
        if wrong:
            continue
        try:
            found.append(_planned(job, selections, choice))
        except ConfigError as e:
            problems.append(e)
    if problems:
        raise together(problems)
    return found


def executor(said: Executor | None) -> dg.ExecutorDefinition | None:
    """Dagster's executor for what is written; None leaves it to Dagster."""
    if said is None or said == "multiprocess":
        return None if said is None else dg.multiprocess_executor
    if said == "in_process":
        return dg.in_process_executor
    config: dict[str, Any] = {}
    if said.multiprocess.max_concurrent is not None:
        config["max_concurrent"] = said.multiprocess.max_concurrent
    if said.multiprocess.start_method is not None:
        config["start_method"] = {said.multiprocess.start_method: {}}
    return dg.multiprocess_executor.configured(config)


def merged(*configs: Mapping[str, Any]) -> dict[str, Any]:
    """Run configs as one; of two values at the same place the later counts."""
    whole: dict[str, Any] = {}
    for config in configs:
        for key, value in config.items():
            both = isinstance(value, Mapping) and isinstance(whole.get(key), Mapping)
            whole[key] = merged(whole[key], value) if both else value
    return whole


def parsed(text: str) -> dg.AssetSelection:
    """Dagster's selection for `text`, in its grammar of today or the older one (`a/b*`).

    Raises DagsterInvalidAssetSelectionError if it is in neither.
    """
    with warnings.catch_warnings():
        # Dagster 1.13 warns of a beta parameter that its own parser passes on
        warnings.filterwarnings("ignore", category=dg.BetaWarning, message=".*include_sources")
        return dg.AssetSelection.from_string(text)


def _selections(job: Job, choice: _Choice) -> tuple[list[dg.AssetSelection], list[ConfigError]]:
    if not job.asset_selection:
        at = job.origin.at("asset_selection")
        return [], [ConfigError(f"the job '{job.job_id}' selects no asset", at=at)]
    found: list[dg.AssetSelection] = []
    problems: list[ConfigError] = []
    for index, text in enumerate(job.asset_selection):
        try:
            found.append(_selection(text, choice))
        except ConfigError as e:
            at = job.origin.at("asset_selection", index)
            problems.append(ConfigError(e.message, at=at, hint=e.hint))
    return found, problems


def _wrong_tags(job: Job) -> Iterator[ConfigError]:
    """A problem for each key of tags that Dagster would only warn of, run by run."""
    written: list[tuple[tuple[str | int, ...], Mapping[str, str]]] = [
        (("tags",), job.tags),
        (("run_tags",), job.run_tags),
    ]
    for index, trigger in enumerate(job.triggers):
        written.append((("triggers", index, "run_tags"), trigger.run_tags))
        if isinstance(trigger.params, PartitionSchedule):
            inner = ("triggers", index, "params", "schedule_params", "tags")
            written.append((inner, trigger.params.schedule_params.tags))
    for path, tags in written:
        for key in tags:
            if not _TAG_KEY.fullmatch(key):
                yield ConfigError(
                    f"'{key}' cannot be the key of a tag",
                    at=job.origin.at(*path, key),
                    hint="Use at most 63 letters, digits, '_', '-' and '.', once with a '/'.",
                )


def _planned(job: Job, selections: Sequence[dg.AssetSelection], choice: _Choice) -> PlannedJob:
    # tables that are made by one op only together are selected together
    chosen = functools.reduce(operator.or_, selections).required_multi_asset_neighbors()
    keys = chosen.resolve(choice.graph)
    return PlannedJob(
        job,
        _definition(job, chosen),
        frozenset(key.to_user_string() for key in keys),
        _partitions(job, [one for one in choice.made if keys & one.keys]),
    )


def _definition(job: Job, chosen: dg.AssetSelection) -> Any:
    retries = {} if job.max_retries is None else {MAX_RETRIES: str(job.max_retries)}
    try:
        with quiet_about_owners():
            return dg.define_asset_job(
                job.job_id,
                chosen,
                config=job.run_config or None,
                description=job.description,
                tags=job.tags or None,
                run_tags={**job.tags, **job.run_tags, **retries} or None,
                executor_def=executor(job.executor),
                owners=job.owners or None,
            )
    except REFUSED as e:
        message = f"the job '{job.job_id}' is not possible: {reason(e)}"
        raise ConfigError(message, at=job.origin.at("owners" if job.owners else "job_id")) from e


def _partitions(
    job: Job, made: Iterable[dg.AssetsDefinition]
) -> dg.PartitionsDefinition[str] | None:
    """The partitions of the assets `made`; ConfigError if one run cannot be for all of them."""
    first: dg.AssetsDefinition | None = None
    for one in made:
        if one.partitions_def is None:
            continue
        if first is None:
            first = one
        elif first.partitions_def != one.partitions_def:
            a, b = (min(x.keys).to_user_string() for x in (first, one))
            raise ConfigError(
                f"the job '{job.job_id}' selects assets with different partitions: '{a}' and '{b}'",
                at=job.origin.at("asset_selection"),
                hint="A run is for one partition: make a job for each kind of partitions.",
            )
    return first.partitions_def if first else None


def _selection(text: str, choice: _Choice) -> dg.AssetSelection:
    """What `text` selects. ConfigError, without its place, if that is nothing."""
    keys = choice.keys
    bare = _BARE_KEY.fullmatch(text.strip())
    for name in [bare[1]] if bare else _NAMED_KEY.findall(text):
        if name not in keys:
            raise ConfigError(f"there is no asset '{name}' to select", hint=nearest(name, keys))
    try:
        selection = parsed(text)
        found = selection.resolve(choice.graph)
    except dg.DagsterError as e:
        raise ConfigError(f"the selection '{text}' is not possible: {e}") from e
    if not found:
        raise ConfigError(f"the selection '{text}' selects no asset that can be run")
    return selection


def keys_of(one: Asset) -> Iterable[dg.AssetKey]:
    """The key of an asset, or of all that one op makes."""
    return [one.key] if isinstance(one, dg.AssetSpec) else one.keys
