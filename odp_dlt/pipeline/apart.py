"""Tables whose names become one are told, and not mixed."""

from dataclasses import dataclass, field

from odp_dlt.errors import ConfigError
from odp_dlt.extract.resource import Resource
from odp_dlt.extract.source import Source
from odp_dlt.schema.model import Schema
from odp_dlt.schema.naming import Naming


@dataclass
class TableNames:
    """Who loads which table in a run, by its name in the dataset.

    One name that several resources say in the same words is meant; so is one that a resource was
    given again.
    """

    naming: Naming
    claims: dict[str, tuple[str, str]] = field(default_factory=dict)

    def claim(self, said: str, resource: str) -> None:
        """`resource` loads the table that it calls `said`.

        ConfigError if another spelling became the same name before.
        """
        name = self.naming.path(said)
        before, owner = self.claims.setdefault(name, (said, resource))
        if before == said:
            return
        who = f"resources '{owner}' and '{resource}'"
        raise ConfigError(
            f"the tables '{before}' and '{said}' would both be named '{name}'",
            at=who if owner != resource else f"resource '{resource}'",
            hint="Keep them apart by another table_name for one of them, or say "
            f"table_name='{name}' for both if their rows belong together.",
        )


def table_names(source: Source, schema: Schema, naming: Naming) -> TableNames:
    """The names of all tables of `source` that are known before any row.

    Those of resources that are not selected count too if they were loaded before. ConfigError if
    two are one.
    """
    names = TableNames(naming)
    for resource in source.resources.values():
        if not resource.has_dynamic_table_name and (
            resource.selected or _is_loaded(resource, schema, naming)
        ):
            names.claim(str(resource.table_name), resource.name)
    return names


def _is_loaded(resource: Resource, schema: Schema, naming: Naming) -> bool:
    table = schema.tables.get(naming.path(str(resource.table_name)))
    return table is not None and table.resource == resource.name
