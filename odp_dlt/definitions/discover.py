"""One dlt asset, ready to be looked at before its schema file exists: what a plan cannot do yet."""

import logging
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from odp_dlt.definitions.chosen import partition_of
from odp_dlt.definitions.connections import resource_keys, site_for
from odp_dlt.definitions.metadata import for_templates
from odp_dlt.definitions.partitions import partitions_by_asset
from odp_dlt.definitions.plan import located, resource_values, site_of
from odp_dlt.definitions.run import dagster_home
from odp_dlt.definitions.turns import Turn, turn_of, turn_values
from odp_dlt.destinations.changes import Change, changes
from odp_dlt.errors import ConfigError, OdpError, SourceError
from odp_dlt.pipeline.pipeline import silent
from odp_dlt.registry import nearest
from odp_dlt.resources.base import Resource
from odp_dlt.schema.model import STATE_TABLE, Schema
from odp_dlt.tasks.base import Context, Site
from odp_dlt.tasks.dlt import Dlt
from odp_dlt.tasks.params import validated
from odp_dlt.workflow.load import load_workflow, together
from odp_dlt.workflow.models import Asset, Workflow
from odp_dlt.workflow.template import names_in, render, variable_name


@dataclass(frozen=True)
class DltAsset:
    """A dlt asset of the workflow files, its params filled in for one partition."""

    asset: Asset
    task: Dlt
    site: Site
    turn: Turn

    @property
    def resource(self) -> str:
        """The name of the resource that the asset loads."""
        return self.asset.asset_key.rpartition("/")[2]

    @property
    def schema_file(self) -> Path:
        """Where its schema is, or will be."""
        return self.task.schema_file(self.site)

    def discover(self, limit: int | None, progress: Callable[[str], None]) -> Schema:
        """What the data of the source, of at most `limit` rows, would become; nothing is loaded.

        SourceError if there are no rows.
        """
        try:
            found = self.task.discover(self._context(progress), limit)
        except OdpError as e:
            raise located(e, self.asset) from e
        if not found.tables_of(self.resource):
            raise SourceError(
                f"the source gave no rows of '{self.resource}', so its tables are not known",
                at=self.asset.origin.at(),
                hint="Choose another --partition, or other `source_params`.",
            )
        return self._as_every_time(found)

    def changes(self, found: Schema) -> list[Change]:
        """What a load that ends with the schema `found` would do to the destination's tables."""
        tables = [table for table in found.tables_of(self.resource) if table.seen_data]
        try:
            with self.task.reading(self._context(silent)) as (pipeline, session):
                place = pipeline.destination, pipeline.dataset_name
                return list(changes(tables, session, *place))
        except OdpError as e:
            raise located(e, self.asset) from e

    def _context(self, progress: Callable[[str], None]) -> Context:
        log = logging.getLogger("odp_dlt.schema")
        return Context(
            self.asset.asset_key,
            uuid.uuid4().hex,
            self.site,
            log,
            progress,
            partition=self.turn.name,
            window=self.turn.window,
        )

    def _as_every_time(self, found: Schema) -> Schema:
        """`found` as a first version, the same whether or not anything was loaded before."""
        tables = {name: table for name, table in found.tables.items() if name != STATE_TABLE}
        if (disposition := self.task.run_params.write_disposition) is not None:
            for table in found.tables_of(self.resource):
                if table.parent is None:
                    tables[table.name] = replace(table, write_disposition=disposition)
        return replace(found, tables=tables, version=0, version_hash="", previous_hashes=())


def dlt_asset(config_dir: Path, asset_key: str, partition: str | None = None) -> DltAsset:
    """The dlt asset `asset_key`, for `partition` or the latest complete one, if it has partitions.

    ConfigError if there is none by that key, or if what is written about it is wrong.
    """
    return dlt_asset_of(load_workflow(config_dir), asset_key, partition)


def dlt_asset_of(workflow: Workflow, asset_key: str, partition: str | None = None) -> DltAsset:
    """The same of a workflow that is read already."""
    asset = _find(workflow, asset_key)
    problems: list[ConfigError] = []
    site = site_of(workflow, problems)
    if problems:
        raise together(problems)
    try:
        site = site_for(site, resource_keys(workflow, asset))
        turn, own = _partition(workflow, asset, partition)
        values = _values(workflow, asset, site.resources, own)
        at = asset.origin.at
        params = render(asset.params, values, at=lambda path: at("params", *path))
        return DltAsset(asset, validated(Dlt, params, site.root), site, turn)
    except ConfigError as e:
        raise located(e, asset) from e


def _find(workflow: Workflow, asset_key: str) -> Asset:
    known = {asset.asset_key: asset for asset in workflow.assets}
    dlt_keys = [key for key, asset in known.items() if asset.task_type == "dlt"]
    if asset_key not in known:
        raise ConfigError(
            f"no workflow file has an asset '{asset_key}'", hint=nearest(asset_key, dlt_keys)
        )
    if asset_key not in dlt_keys:
        raise ConfigError(
            f"'{asset_key}' has the task type '{known[asset_key].task_type}', so no schema file",
            at=known[asset_key].origin.at("task_type"),
            hint=nearest(asset_key, dlt_keys),
        )
    return known[asset_key]


def _values(
    workflow: Workflow, asset: Asset, found: Mapping[str, Resource], own: Mapping[str, Any]
) -> dict[str, Any]:
    """What the params can name: as in a run, only that none is; `own` is of the partition."""
    groups = {name.partition(".")[0] for name in names_in(asset.params)}
    parents = [key for key in asset.depends_on if variable_name(key) in groups]
    return {
        "context": {"run_id": uuid.uuid4().hex[:8], **own},
        "resource": resource_values(found.items()),
        "env": os.environ,
        "utils": {"now": datetime.now(UTC).isoformat()},
        "sensor": {},
        **_parents(workflow.root, parents),
    }


def _partition(workflow: Workflow, asset: Asset, wanted: str | None) -> tuple[Turn, dict[str, Any]]:
    """The partition `wanted`, or the latest complete one, and what templates find of it."""
    problems: list[ConfigError] = []
    partitions = partitions_by_asset(workflow, problems).get(asset.asset_key)
    if problems:
        raise together(problems)
    if wanted is not None and partitions is None:
        raise ConfigError(f"'{asset.asset_key}' has no partitions", hint="Leave out --partition.")
    key = partition_of(asset.asset_key, partitions, wanted)
    if key is None or partitions is None:
        return Turn(), {}
    turn = turn_of(partitions, [key])
    return turn, turn_values(partitions, turn)


def _parents(root: Path, keys: list[str]) -> dict[str, Mapping[str, Any]]:
    """What the assets `keys` last reported, as far as they ever ran."""
    if not keys:
        return {}
    with dg.DagsterInstance.from_config(str(dagster_home(root))) as instance:
        events = {
            key: instance.get_latest_materialization_event(dg.AssetKey(key.split("/")))
            for key in keys
        }
        made = {key: event and event.asset_materialization for key, event in events.items()}
        return {
            variable_name(key): for_templates(one.metadata) if one else {}
            for key, one in made.items()
        }
