"""Where each column of a table comes from: a path in the source's rows, or a column of a parent."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from odp_dlt.schema.model import Column, Schema, Table

_ROW_ID = "_dlt_id"
_OF_THE_LOAD = ("_dlt_id", "_dlt_load_id", "_dlt_list_idx")


@dataclass(frozen=True)
class Lineage:
    """Where the columns of one resource's tables come from.

    `keys` has the asset key of each table; `external` is that of the source outside. A path counts
    from the resource: `pull_requests.user.login`, `pull_requests.labels[].name`.
    """

    schema: Schema
    resource: str
    external: str
    keys: Mapping[str, str]

    def comes_from(self, table: Table, column: Column) -> tuple[tuple[str, str], ...]:
        """The columns, as pairs of asset key and name or path, that `column` is made of."""
        if column.has("parent_key") and table.parent is not None:
            if table.parent not in self.keys:
                return ()
            return ((self.keys[table.parent], _ROW_ID),)
        if column.has("root_key") and table.parent is not None:
            root = self._chain(table)[0]
            return ((self.keys[root.name], _ROW_ID),) if root.name in self.keys else ()
        if column.name in _OF_THE_LOAD or column.name.startswith("_dlt_"):
            return ()
        return ((self.external, self._path(table, column)),)

    def _path(self, table: Table, column: Column) -> str:
        name = column.name
        if column.has("variant"):  # `price__v_text` holds what `price` cannot
            name = name.partition("__v_")[0]
        chain = self._chain(table)
        steps = [_dotted(_own_name(inner, outer)) + "[]" for outer, inner in pairwise(chain)]
        last = [] if name == "value" and table.parent is not None else [_dotted(name)]
        return ".".join([self.resource, *steps, *last])

    def _chain(self, table: Table) -> list[Table]:
        """The tables from the root down to `table`."""
        chain = [table]
        while chain[0].parent is not None and chain[0].parent in self.schema.tables:
            chain.insert(0, self.schema.tables[chain[0].parent])
        return chain


def _own_name(inner: Table, outer: Table) -> str:
    return inner.name.removeprefix(f"{outer.name}__")


def _dotted(name: str) -> str:
    return name.replace("__", ".")
