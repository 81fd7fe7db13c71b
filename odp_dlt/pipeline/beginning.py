"""What a run begins with: the schema as source and run want it, and its copy of the state."""

import copy
from dataclasses import replace
from typing import Any

from odp_dlt.extract.source import Source
from odp_dlt.pipeline.state import State
from odp_dlt.schema.contract import HINT
from odp_dlt.schema.model import Schema
from odp_dlt.schema.naming import naming_convention


def schema_name(pipeline: str) -> str:
    """The name of the schema for data that belongs to no source, as dlt derives it."""
    short = pipeline.removesuffix("_pipeline") or pipeline
    return naming_convention("snake_case").identifier(short)


def contract_of(source: Source, by_run: Any, stored: Schema | None) -> tuple[Any, str]:
    """The contract of a whole source, and who gave it.

    As in dlt, data of no source keeps what an earlier run gave; a source that says none has none.
    """
    if stored is not None and source.bare and not by_run:
        return stored.settings.get(HINT), f"an earlier run, which stored it for all '{stored.name}'"
    return by_run or source.schema_contract, f"source '{source.name}'"


def with_contract(schema: Schema, contract: Any) -> Schema:
    """`schema` with the contract of the source or the run, which dlt keeps in the settings."""
    if schema.settings.get(HINT) == contract:
        return schema
    settings = {key: value for key, value in schema.settings.items() if key != HINT}
    return replace(schema, settings={**settings, HINT: contract} if contract else settings)


def with_nesting(schema: Schema, max_nesting: int | None) -> Schema:
    """`schema` with the nesting limit of the source, which dlt keeps in the normalizer's config."""
    if schema.max_nesting == max_nesting:
        return schema
    json = dict(schema.normalizers.get("json", {}))
    config = {k: v for k, v in json.get("config", {}).items() if k != "max_nesting"}
    if max_nesting is not None:
        config["max_nesting"] = max_nesting
    json.pop("config", None)
    if config:
        json["config"] = config
    return replace(schema, normalizers={**schema.normalizers, "json": json})


def begun_state(base: State, source: Source) -> dict[str, Any]:
    """A copy of `base` for the run to change, with what replaced resources kept thrown away."""
    state = copy.deepcopy(base)
    chosen = source.selected_resources.values()
    replaced = [resource.name for resource in chosen if resource.hints.disposition == "replace"]
    if replaced:
        kept = state.setdefault("sources", {}).setdefault(source.name, {})
        for name in replaced:
            kept.get("resources", {}).pop(name, None)
    return state
