"""Row ids that say what the row is: dlt's hashes of keys, of whole rows, of places in a list.

The hash of a row must stay when nothing that a table shows has changed, so it counts neither keys
without a value nor whether a whole number was written `1` or `1.0`; of rows that have neither, it
is dlt's.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from odp_dlt.errors import SourceError
from odp_dlt.normalize.hash_texts import object_texts
from odp_dlt.schema.merging import ROW, WITH_NULLS

_BYTES = 10


@dataclass(frozen=True)
class Identity:
    """What the rows of a family are known by.

    `ids` of root rows are random, or hashes of the primary key (the columns `key`) or of the row;
    those of nested rows are then hashes too. `root_key` gives nested rows the id of their root
    row. `first_row` is the place of a page's first row in the load, if rows are to be merged.
    """

    ids: Literal["random", "key", "row"] = "random"
    key: tuple[str, ...] = ()
    root_key: bool = False
    first_row: int | None = None

    def places(self, count: int) -> dict[str, pa.Array]:
        """The column that says where in the load each of `count` root rows stands, if one does."""
        if self.first_row is None:
            return {}
        return {ROW: pa.arange(self.first_row, self.first_row + count)}

    def after(self, rows: int) -> "Identity":
        """That of a page before which `rows` more came."""
        return self if self.first_row is None else replace(self, first_row=self.first_row + rows)

    def root_ids(
        self, rows: pa.Array, columns: Mapping[str, pa.Array], table: str
    ) -> dict[str, pa.Array]:
        """`id` → hashes of root rows, whose flat `columns` hold the key; with dlt's own beside
        them, under the name of their column, where rows are hashed. Empty for random ids.
        """
        if self.ids == "key":
            return {"id": key_hashes({k: columns.get(k) for k in self.key}, len(rows), table)}
        if self.ids == "row":
            ids, with_nulls = row_hashes(rows)
            return {"id": ids, WITH_NULLS: with_nulls}
        return {}


def key_hashes(columns: Mapping[str, pa.Array | None], count: int, table: str) -> pa.Array:
    """The hash of each row's key, given as name → values. SourceError for a row without one."""
    keys: dict[str, pa.Array] = {}
    for name, column in columns.items():
        if column is None or column.null_count:
            row = 0 if column is None else column.is_valid().to_pylist().index(False)
            raise SourceError(
                f"row {row + 1} of a page has no value for '{name}', which is the primary key",
                at=f"table '{table}'",
                hint="Leave such rows out, or choose a key that every row has.",
            )
        keys[name] = column
    return _hashed(object_texts(keys, count).slim)


def row_hashes(rows: pa.StructArray) -> tuple[pa.Array, pa.Array]:
    """Two hashes of each row: without the keys that have no value, and with all that the page
    knows.
    """
    named = zip((field.name for field in rows.type), rows.flatten(), strict=True)
    columns = {name: values for name, values in named if not name.startswith("_dlt_")}
    slim, full = object_texts(columns, len(rows))
    hashes = _hashed(slim)
    if full is slim:
        return hashes, hashes
    differs = pc.not_equal(slim, full)
    return hashes, pc.replace_with_mask(hashes, differs, _hashed(full.filter(differs)))


def nested_hashes(parents: pa.Array, table: str, positions: pa.Array) -> pa.Array:
    """The id of each row nested at `positions` in the rows with the ids `parents`."""
    places = positions.cast(pa.string())
    return _hashed(pc.binary_join_element_wise(parents, pa.scalar(table), places, "_"))


def _hashed(texts: pa.Array) -> pa.Array:
    """dlt's hash of each text. Text by text: hashlib knows no columns."""
    shake = hashlib.shake_128
    raw = texts.cast(pa.binary()).to_pylist()
    digests = b"".join([shake(text).digest(_BYTES) + b"\0\0" for text in raw])
    text = base64.b64encode(digests)  # 16 characters a row, the last two of which are padding
    fixed = pa.Array.from_buffers(pa.binary(16), len(raw), [None, pa.py_buffer(text)])
    cut = fixed.cast(pa.binary()).cast(pa.string())
    return pc.utf8_slice_codeunits(cut, 0, 14)
