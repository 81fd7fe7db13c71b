"""A source: resources that belong together, share a schema, and are loaded as one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.extract import current
from odp_dlt.extract.current import Running
from odp_dlt.extract.resource import Resource
from odp_dlt.extract.streams import rows_of
from odp_dlt.registry import nearest


class Resources(dict[str, Resource]):
    """The resources of a source by name, in the order in which the source gives them."""

    @property
    def selected(self) -> dict[str, Resource]:
        """Those that a run loads."""
        return {name: resource for name, resource in self.items() if resource.selected}


class Source:
    """Resources under one schema name; each is also an attribute.

    `section` is where the settings of the resources stand. Setting the attributes changes the
    source, as in dlt; `with_resources` gives a new one. A `bare` one only holds together what a run
    was given besides sources, and has no settings of its own.
    """

    def __init__(
        self,
        name: str,
        resources: Sequence[Resource],
        *,
        section: str = "",
        max_table_nesting: int | None = None,
        root_key: bool | None = None,
        schema_contract: str | Mapping[str, str] | None = None,
        bare: bool = False,
    ) -> None:
        """SourceError if two of the resources have one name."""
        self.name = name
        self.section = section or name
        self.max_table_nesting = max_table_nesting
        self.root_key = root_key
        self.schema_contract = schema_contract
        self.bare = bare
        self.resources = Resources()
        for resource in _copied(resources):
            if resource.name in self.resources:
                raise SourceError(f"source '{name}' has two resources named '{resource.name}'")
            self.resources[resource.name] = resource

    @property
    def selected_resources(self) -> dict[str, Resource]:
        """The resources that a run loads, by name."""
        return self.resources.selected

    def with_resources(self, *names: str) -> "Source":
        """A new source that loads only the resources `names`. ConfigError if it lacks one."""
        for name in names:
            if name not in self.resources:
                raise ConfigError(
                    f"source '{self.name}' has no resource '{name}'",
                    hint=nearest(name, self.resources),
                )
        part = self.clone()
        for resource in part.resources.values():
            resource.selected = resource.name in names
        return part

    def add_limit(
        self, max_items: int | None, max_time: float | None = None, count_rows: bool = False
    ) -> "Source":
        """The same limit for every resource."""
        for resource in self.resources.values():
            resource.add_limit(max_items, max_time, count_rows)
        return self

    def parallelize(self) -> "Source":
        """Run all resources beside each other, in threads."""
        for resource in self.resources.values():
            resource.parallelize()
        return self

    def clone(self) -> "Source":
        """A new source like this one."""
        return Source(
            self.name,
            list(self.resources.values()),
            section=self.section,
            max_table_nesting=self.max_table_nesting,
            root_key=self.root_key,
            schema_contract=self.schema_contract,
            bare=self.bare,
        )

    def __getattr__(self, name: str) -> Any:
        """The resource `name`."""
        resources = self.__dict__.get("resources", {})
        if name in resources:
            return resources[name]
        raise AttributeError(f"source '{self.__dict__.get('name')}' has no resource '{name}'")

    def __iter__(self) -> Iterator[Any]:
        """The rows of all selected resources, in turn, as in a run; the state is then forgotten."""
        running = current.now() or Running(current.settings(), source_name=self.name)
        here = replace(running, source_name=self.name, section=self.section, source=self)
        yield from rows_of(list(self.selected_resources.values()), here)


def _copied(resources: Sequence[Resource]) -> list[Resource]:
    """Copies of `resources` that are linked among themselves as the originals are."""
    copies: dict[int, Resource] = {}

    def copy_of(resource: Resource) -> Resource:
        if id(resource) not in copies:
            parent = resource.parent and copy_of(resource.parent)
            copies[id(resource)] = replace(resource, parent=parent)
        return copies[id(resource)]

    return [copy_of(resource) for resource in resources]
