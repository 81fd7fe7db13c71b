"""How the rows of a resource are told apart on their way, as its disposition wants it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import pyarrow as pa

from odp_dlt.errors import SourceError
from odp_dlt.normalize.hashes import Identity
from odp_dlt.schema.merging import KEYED, SCD2, has_root_key, merging, row_version
from odp_dlt.schema.model import ID, Schema, Table


def identity_of(root: Table, schema: Schema, first_row: int) -> Identity:
    """What is known of a batch of rows of `root` before which `first_row` others came."""
    how = merging(root)
    ids: Literal["random", "key", "row"] = "random"
    if how is not None and how.strategy in KEYED:
        ids = "key"
    if how is not None and how.strategy == SCD2 and row_version(root) == ID:
        ids = "row"
    return Identity(
        ids,
        how.primary_key if how is not None else (),
        has_root_key(root, schema),
        None if how is None else first_row,
    )


def placed(tables: Mapping[str, pa.Table], root: Table, identity: Identity) -> dict[str, pa.Table]:
    """Tables of Arrow rows with what `normalize` gives to others: their places in the load.

    SourceError for scd2 without a column for the version, since such rows have no hash.
    """
    if identity.ids == "row":
        raise SourceError(
            f"Arrow rows of '{root.name}' have no hash to tell their versions apart by",
            hint="Yield dicts, or say which column does: row_version_column_name in the "
            "write_disposition.",
        )
    rows = tables[root.name]
    for name, column in identity.places(rows.num_rows).items():
        rows = rows.append_column(name, column)
    return {**tables, root.name: rows}


def require_keys(rows: pa.Table, root: Table, identity: Identity) -> None:
    """SourceError for rows that are to be merged by a key and lack it."""
    how = merging(root)
    keys = {} if how is None else dict.fromkeys((*how.primary_key, *how.merge_key))
    for name in keys if rows.num_rows else ():
        column = rows.column(name) if name in rows.column_names else pa.nulls(rows.num_rows)
        if column.null_count:
            at = column.is_valid().to_pylist().index(False) + (identity.first_row or 0) + 1
            raise SourceError(
                f"row {at} of '{root.name}' has no value for '{name}', which is a key",
                hint="Leave such rows out, or choose a key that every row has.",
            )


def with_keys(hinted: Table, known: Table) -> Table:
    """`known` without the keys that it had before `hinted` said others."""
    for hint in ("primary_key", "merge_key"):
        said = hinted.keys(hint)
        former = [known.columns[n] for n in known.keys(hint) if said and n not in said]
        bare = [replace(c, hints={k: v for k, v in c.hints.items() if k != hint}) for c in former]
        known = known.with_columns(bare)
    return known
