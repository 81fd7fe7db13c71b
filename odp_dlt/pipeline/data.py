"""Whatever a person gives `pipeline.run` → sources."""

from collections.abc import Iterable, Mapping
from typing import Any

from odp_dlt.errors import ConfigError
from odp_dlt.extract.decorators import SourceFactory
from odp_dlt.extract.resource import Resource
from odp_dlt.extract.source import Source


def as_sources(data: Any, schema_name: str, hints: Mapping[str, Any]) -> list[Source]:
    """`data` as sources: one as it is, and one called `schema_name` of all that belongs to none.

    `hints` (table_name, write_disposition, columns, primary_key …) override those of every
    resource; rows without a resource take their `table_name` as its name. Raises ConfigError for
    what is no data.
    """
    given = {name: value for name, value in hints.items() if value is not None}
    items = data if _is_list_of_sources(data) else [data]
    sources = [item() if isinstance(item, SourceFactory) else item for item in items]
    found = [item for item in sources if isinstance(item, Source)]
    loose = [_as_resource(item, given) for item in sources if not isinstance(item, Source)]
    if loose:
        found.append(Source(schema_name, loose))
    if given:
        for source in found:
            for resource in source.resources.values():
                resource.apply_hints(**given)
    return found


def _is_list_of_sources(data: Any) -> bool:
    kinds = (Source, Resource, SourceFactory)
    return isinstance(data, list | tuple) and bool(data) and all(isinstance(d, kinds) for d in data)


def _as_resource(item: Any, given: Mapping[str, Any]) -> Resource:
    if isinstance(item, Resource):
        return item
    if isinstance(item, str | bytes | Mapping) or not (
        isinstance(item, Iterable) or callable(item)
    ):
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
