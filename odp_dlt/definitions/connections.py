"""Which of the project's resources an asset uses."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.tasks.base import Site
from odp_dlt.workflow.models import Asset, Workflow


def resource_keys(workflow: Workflow, asset: Asset) -> dict[str, str]:
    """What the asset can call a resource → the resource's key in Dagster.

    It can by each resource's name; and by a kind that is the name of one, that only one is of, or
    that the asset has chosen one of. ConfigError for a choice that is none.
    """
    names = [config.key for config in workflow.resources]
    keys = {name: name for name in names}
    for index, name in enumerate(asset.resources):
        if name not in keys:
            raise ConfigError(
                f"no resource is named '{name}'",
                at=asset.origin.at("resources", index),
                hint=nearest(name, names),
            )
    for kind, of_kind in _by_kind(workflow).items():
        chosen = [name for name in asset.resources if name in of_kind]
        if len(chosen) > 1:
            raise ConfigError(
                f"'{chosen[0]}' and '{chosen[1]}' are both of the kind '{kind}'",
                at=asset.origin.at("resources"),
                hint="Keep one of them.",
            )
        if chosen or (kind not in keys and len(of_kind) == 1):
            keys[kind] = (chosen or of_kind)[0]
    return keys


def site_for(whole: Site, keys: Mapping[str, str]) -> Site:
    """The project as one asset sees it: its resources by all that the asset can call them."""
    found = {name: whole.resources[key] for name, key in keys.items() if key in whole.resources}
    return replace(whole, resources=found)


def must_be_one(kind: str, workflow: Workflow, keys: Mapping[str, str], asset: Asset) -> None:
    """ConfigError if there are several resources of `kind`, and the asset has chosen none."""
    of_kind = _by_kind(workflow).get(kind, [])
    if kind not in keys and len(of_kind) > 1:
        raise ConfigError(
            f"there are {len(of_kind)} resources of the kind '{kind}'",
            at=asset.origin.at(),
            hint=f"Choose with `resources: [NAME]`, one of: {', '.join(sorted(of_kind))}.",
        )


def _by_kind(workflow: Workflow) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for config in workflow.resources:
        found[config.resource_kind].append(config.key)
    return found
