"""What each workflow asset will make, and all that is wrong with the workflow."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import dagster as dg

from odp_dlt.definitions.connections import must_be_one, resource_keys, site_for
from odp_dlt.definitions.keys import key_problems
from odp_dlt.definitions.partitions import partitions_by_asset, wrong_between
from odp_dlt.definitions.turns import template_names
from odp_dlt.errors import ConfigError, OdpError
from odp_dlt.resources.base import Resource, resources
from odp_dlt.schema.model import Schema
from odp_dlt.tasks.base import LaunchParam, Planned, Site, Task, tasks
from odp_dlt.tasks.params import (
    ParamError,
    holds_template,
    named_values,
    param_names,
    validated,
    validated_unless_template,
)
from odp_dlt.workflow.load import together
from odp_dlt.workflow.models import Asset, Entry, Position, Workflow
from odp_dlt.workflow.template import Known, check, check_text, names_in, render

Partitions = dg.PartitionsDefinition[str]


@dataclass(frozen=True)
class PlannedAsset:
    """A workflow asset with its task type and what it makes, parents first.

    `parent_partitions` has an item for each key of `depends_on` that the workflow itself makes;
    `resource_keys` one for each name of a resource that a run needs: its key in Dagster. `names`
    are those of all variables in its templates, in the params and in files.
    """

    asset: Asset
    task: type[Task]
    makes: tuple[Planned, ...]
    site: Site
    partitions: Partitions | None
    resource_keys: Mapping[str, str] = field(default_factory=dict)
    launch_params: tuple[LaunchParam, ...] = ()
    parent_partitions: Mapping[str, Partitions | None] = field(default_factory=dict)
    names: frozenset[str] = frozenset()

    @property
    def op_name(self) -> str:
        return self.asset.asset_key.replace("/", "__")

    def at(self, path: tuple[str | int, ...]) -> Position:
        """Where the param at `path` is written."""
        return self.asset.origin.at("params", *path)


@dataclass(frozen=True)
class Plan:
    """All of a workflow's assets, valid as far as that is known before a run."""

    workflow: Workflow
    assets: tuple[PlannedAsset, ...]


def plan(workflow: Workflow, discovered: Mapping[str, Schema] | None = None) -> Plan:
    """Plan every asset; a ConfigError that lists all that is wrong, file and line with each.

    `discovered` has schemas (by asset key) for assets whose schema file is missing; given, that is
    no error.
    """
    problems: list[ConfigError] = []
    site = replace(site_of(workflow, problems), discovered=discovered)
    partitions = partitions_by_asset(workflow, problems)
    if problems:  # without them the assets would only be wrong once more
        raise together(problems)
    planned: list[PlannedAsset] = []
    for asset in workflow.assets:
        own = partitions.get(asset.asset_key)
        try:
            keys = resource_keys(workflow, asset)
            seen = site_for(site, keys)
            known = _known(asset, seen, own)
            wrong = _wrong_params(asset, known)
            problems += wrong
            if not wrong:
                found = _planned(workflow, asset, seen, known, keys, problems)
                planned.append(replace(found, partitions=own))
        except ConfigError as e:
            problems.append(_config_error(e, asset))
    if not problems:
        planned += _brought(workflow, site, planned, problems)
    if not problems:
        problems += key_problems((one.asset, one.makes) for one in planned)
    assets = _with_parents(planned)
    for one in assets:
        problems += wrong_between(one.asset, one.partitions, one.parent_partitions)
    if problems:
        raise together(problems)
    return Plan(workflow, assets)


def located(error: OdpError, entry: Entry) -> OdpError:
    """`error` with the file and line of the param, or of the entry, that it is about."""
    if isinstance(error, ParamError):
        return ConfigError(
            error.message, at=entry.origin.at("params", *error.path), hint=error.hint
        )
    if error.at is None:
        error.at = str(entry.origin.at())
    return error


def site_of(workflow: Workflow, problems: list[ConfigError]) -> Site:
    """The project's resources by name; wrong ones are left out, and told in `problems`."""
    found: dict[str, Resource] = {}
    for config in workflow.resources:
        try:
            kind = resources.find(config.resource_kind, at=config.origin.at("resource_kind"))
            found[config.key] = validated(kind, config.params, workflow.root)
        except ConfigError as e:
            problems.append(_config_error(e, config))
    return Site(workflow.root, found)


def _planned(
    workflow: Workflow,
    asset: Asset,
    site: Site,
    known: Known,
    keys: Mapping[str, str],
    problems: list[ConfigError],
) -> PlannedAsset:
    """The plan of one asset; what is wrong in the files that it renders is told in `problems`."""
    task = tasks.find(asset.task_type, at=asset.origin.at("task_type"))
    for kind in sorted(task.needs):
        must_be_one(kind, workflow, keys, asset)
        site.resource(kind)
    found = _known_params(asset, task, site)
    texts = {} if found is None else found.texts(site)
    wrong = [one for file, text in texts.items() for one in check_text(text, known, file)]
    problems += wrong
    names = names_in(asset.params) | names_in([] if wrong else list(texts.values()))
    named = {parts[1] for parts in (name.split(".") for name in names) if parts[0] == "resource"}
    needed = task.needs | (task.uses & keys.keys()) | named
    return PlannedAsset(
        asset,
        task,
        tuple([Planned(asset.asset_key)] if found is None else found.assets(asset.asset_key, site)),
        site,
        None,
        resource_keys={name: keys[name] for name in needed},
        launch_params=() if found is None else tuple(found.launch_params(site)),
        names=frozenset(names),
    )


def _brought(
    workflow: Workflow, site: Site, planned: Sequence[PlannedAsset], problems: list[ConfigError]
) -> Iterator[PlannedAsset]:
    """The workflow assets that come with resources."""
    made = frozenset(defined_keys(planned))
    for config in workflow.resources:
        try:
            for one in site.resources[config.key].brings(made):
                asset = Asset(
                    asset_key=one.asset_key,
                    task_type=one.task_type,
                    params=dict(one.params),
                    origin=config.origin,
                )
                keys = {**resource_keys(workflow, asset), config.resource_kind: config.key}
                seen = site_for(site, keys)
                known = _known(asset, seen, None)
                yield _planned(workflow, asset, seen, known, keys, problems)
        except ConfigError as e:
            problems.append(_config_error(e, config))


def _wrong_params(asset: Asset, known: Known) -> list[ConfigError]:
    return check(asset.params, known, lambda path: asset.origin.at("params", *path))


def _known(asset: Asset, site: Site, partitions: Partitions | None) -> Known:
    return Known(
        parents=tuple(asset.depends_on),
        resources={kind: param_names(type(one)) for kind, one in site.resources.items()},
        partition=template_names(partitions),
    )


def _with_parents(planned: Sequence[PlannedAsset]) -> tuple[PlannedAsset, ...]:
    found = {made.key: one.partitions for one in planned for made in one.makes}
    tables = {_plain(m.table_name): m.key for p in planned for m in p.makes if m.table_name}
    return tuple(
        replace(
            one,
            makes=tuple(_with_readers(made, tables) for made in one.makes),
            parent_partitions={
                key: found[key] for key in (*one.asset.depends_on, *one.asset.deps) if key in found
            },
        )
        for one in planned
    )


def _with_readers(made: Planned, tables: Mapping[str, str]) -> Planned:
    """`made`, depending on the assets that make the tables that it reads."""
    read = (tables.get(_plain(table), key) for table, key in made.reads.items())
    return replace(made, deps=(*made.deps, *read), reads={}) if made.reads else made


def _plain(table_name: str) -> str:
    """`schema.table` of a table's name, in which databases often do not heed the case."""
    return ".".join(table_name.lower().split(".")[-2:])


def _known_params(asset: Asset, task: type[Task], site: Site) -> Task | None:
    """The task with what is known of its params; None if a template holds what it does not need."""
    params = filled_now(asset.params, site)
    found = validated_unless_template(task, params, site.root)
    if found is not None:
        return found
    if task.assets is Task.assets:
        return None
    try:
        validated(task, params, site.root)
    except ParamError as e:
        late = f"'{e.path[0]}' cannot be a template of the run: the assets depend on it"
        raise ParamError(late, e.path) from e
    raise AssertionError("what did not fit once fits now")


def filled_now(value: Any, site: Site) -> Any:
    """`value` with those strings rendered whose every name is known before a run."""
    if isinstance(value, Mapping):
        return {key: filled_now(item, site) for key, item in value.items()}
    if isinstance(value, list):
        return [filled_now(item, site) for item in value]
    if not holds_template(value):
        return value
    names = names_in(value)
    environment = {name.removeprefix("env.") for name in names if name.startswith("env.")}
    now = len(environment) + sum(name.startswith("resource.") for name in names)
    if now < len(names) or not environment <= os.environ.keys():
        return value
    return render(value, {"env": os.environ, "resource": resource_values(site.resources.items())})


def resource_values(found: Iterable[tuple[str, Resource]]) -> dict[str, Mapping[str, Any]]:
    """What templates call `resource`: kind → param → value."""
    return {kind: named_values(one) for kind, one in found}


def _config_error(error: ConfigError, entry: Entry) -> ConfigError:
    said = located(error, entry)
    assert isinstance(said, ConfigError)
    return said


def defined_keys(planned: Iterable[PlannedAsset]) -> Iterator[str]:
    """The keys of all assets that the workflow makes."""
    return (made.key for one in planned for made in one.makes)
