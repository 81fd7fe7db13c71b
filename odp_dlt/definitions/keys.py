"""Keys that would get in each other's way: for a person, for Dagster, or for templates."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from odp_dlt.errors import ConfigError
from odp_dlt.tasks.base import Planned
from odp_dlt.workflow.models import Asset, Position


@dataclass(frozen=True)
class _Use:
    """A key, what it is, and where the workflow brings it about."""

    key: str
    what: str
    at: Position


def key_problems(assets: Iterable[tuple[Asset, tuple[Planned, ...]]]) -> list[ConfigError]:
    """Each pair of keys that cannot stand beside each other, with the places of both; and cycles.

    Dagster joins key parts with `__` in the names of ops and outputs and with `_` in those of
    inputs, templates with `_` too; keys that are different then can be the same.
    """
    pairs = [(asset, makes) for asset, makes in assets]
    made = [_made(asset, one) for asset, makes in pairs for one in makes]
    ops = [_made(asset, Planned(asset.asset_key)) for asset, _ in pairs]
    problems = [
        *_odd_names(made),
        *_same(made, lambda key: key, "have one key"),
        *_same(ops, lambda key: key.replace("/", "__"), "have one name in Dagster"),
    ]
    for asset, makes in pairs:
        own = [_made(asset, one) for one in makes]
        problems += _same(own, lambda key: key.replace("/", "__"), "have one name in Dagster")
        parents = [
            _Use(key, f"the parent '{key}'", asset.origin.at("depends_on", index))
            for index, key in enumerate(asset.depends_on)
        ]
        problems += _same(parents, lambda key: key.replace("/", "_"), "have one name in templates")
    return problems or list(_cycle(pairs))


def _made(asset: Asset, made: Planned) -> _Use:
    nested = f"the table '{made.key}' of asset '{asset.asset_key}'"
    what = nested if made.key != asset.asset_key else f"the asset '{made.key}'"
    return _Use(made.key, what, asset.origin.at("asset_key"))


def _same(uses: Iterable[_Use], name: Callable[[str], str], why: str) -> Iterator[ConfigError]:
    first: dict[str, _Use] = {}
    for use in uses:
        other = first.setdefault(name(use.key), use)
        if other is use or (other.key == use.key and why != "have one key"):
            continue
        yield ConfigError(
            f"{use.what} and {other.what} (at {other.at}) {why}: '{name(use.key)}'",
            at=use.at,
            hint="Rename one of them.",
        )


def _odd_names(uses: Iterable[_Use]) -> Iterator[ConfigError]:
    """Some naming conventions leave in table names what the names of assets cannot hold."""
    for use in uses:
        if not use.key.replace("/", "").replace("_", "x").isalnum() or not use.key.isascii():
            yield ConfigError(
                f"{use.what} cannot be an asset in Dagster",
                at=use.at,
                hint="Only letters, digits and '_' can be in a key.",
            )


def _named(asset: Asset) -> list[str]:
    """The keys of all assets that something of `asset` depends on, as far as the YAML says so."""
    tables = asset.tables.values()
    return [*asset.depends_on, *asset.deps, *(key for table in tables for key in table.deps)]


def _cycle(pairs: list[tuple[Asset, tuple[Planned, ...]]]) -> Iterator[ConfigError]:
    maker = {one.key: asset.asset_key for asset, makes in pairs for one in makes}
    graph = {
        asset.asset_key: {maker[key] for key in _named(asset) if key in maker} for asset, _ in pairs
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as e:
        keys = e.args[1]
        asset = next(asset for asset, _ in pairs if asset.asset_key == keys[0])
        yield ConfigError(
            f"the assets depend on each other in a circle: {' → '.join(keys)}",
            at=asset.origin.at("depends_on"),
            hint="Take one of them out of a `depends_on` or `deps`.",
        )
