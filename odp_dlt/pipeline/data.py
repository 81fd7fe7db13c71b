"""Whatever a person gives `pipeline.run` → sources."""

from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Any, TypedDict

from odp_dlt.errors import ConfigError
from odp_dlt.extract.decorators import SourceFactory
from odp_dlt.extract.flow import ARROW, is_frame
from odp_dlt.extract.resource import Resource
from odp_dlt.extract.source import Source
from odp_dlt.pipeline.info import LoadInfo
from odp_dlt.pipeline.trace import PipelineTrace, StepInfo


class RunHints(TypedDict, total=False):
    """What `pipeline.run` says of the tables, over the hints of every resource."""

    table_name: str | None
    write_disposition: Any
    columns: Any
    primary_key: Any
    schema_contract: Any


def as_sources(data: Any, schema_name: str, hints: RunHints) -> list[Source]:
    """`data` as sources: one as it is, and one called `schema_name` of all that belongs to none.

    `hints` (table_name, write_disposition, columns, primary_key …) override those of every
    resource; rows without a resource take their `table_name` as its name. Raises ConfigError for
    what is no data, and for hints of dlt's that are not offered.
    """
    for name in hints:
        if name not in RunHints.__annotations__:
            raise ConfigError(
                f"pipeline.run({name}=…) is not offered by odp_dlt",
                hint="docs/dlt-compatibility.md lists what is offered, and what to use instead.",
            )
    given: dict[str, Any] = {n: value for n, value in hints.items() if value is not None}
    data = _told(data)
    items = data if _is_list_of_sources(data) else [data]
    sources = [item() if isinstance(item, SourceFactory) else item for item in items]
    found = [item for item in sources if isinstance(item, Source)]
    loose = [_as_resource(item, given) for item in sources if not isinstance(item, Source)]
    if loose:
        found.append(Source(schema_name, loose, bare=True))
    if given:
        for source in found:
            for resource in source.resources.values():
                resource.apply_hints(**given)
    return found


def _told(data: Any) -> Any:
    """What runs have told (LoadInfo, a trace) as rows; anything else as it is."""
    if isinstance(data, list | tuple) and any(isinstance(item, TOLD) for item in data):
        return [item.asdict() if isinstance(item, TOLD) else item for item in data]
    return [data.asdict()] if isinstance(data, TOLD) else data


TOLD = (LoadInfo, StepInfo, PipelineTrace)
ITERABLES = (Iterable, AsyncIterable)


def _is_list_of_sources(data: Any) -> bool:
    kinds = (Source, Resource, SourceFactory)
    return isinstance(data, list | tuple) and bool(data) and all(isinstance(d, kinds) for d in data)


def _as_resource(item: Any, given: Mapping[str, Any]) -> Resource:
    if isinstance(item, Resource):
        return item
    whole = isinstance(item, ARROW) or is_frame(item)
    rows = not isinstance(item, str | bytes | Mapping) and isinstance(item, ITERABLES)
    if not (whole or rows or callable(item)):
        raise ConfigError(
            f"a {type(item).__name__} is no data to load",
            hint="Give a source, a resource, a generator, or a list of dicts.",
        )
    name = given.get("table_name") or getattr(item, "__name__", None)
    if not name:
        raise ConfigError(
            "these rows have no name", hint="Say where they go: run(rows, table_name=…)."
        )
    return Resource(str(name), item)
