"""Row ids that say what the row is: dlt's hashes of keys, of whole rows, of places in a list.

The hash of a row must stay when nothing that a table shows has changed, so it counts neither keys
without a value nor whether a whole number was written `1` or `1.0`; of rows that have neither, it
is dlt's. Hashing goes value by value: hashlib knows no columns.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from odp_dlt.errors import SourceError
from odp_dlt.normalize.exact import is_mixed
from odp_dlt.schema.merging import ROW, WITH_NULLS

_BYTES = 10
_EXACT = 2.0**53
_Fix = Callable[[Any], Any]


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
    values = []
    for name, column in columns.items():
        if column is None or column.null_count:
            row = 0 if column is None else column.is_valid().to_pylist().index(False)
            raise SourceError(
                f"row {row + 1} of a page has no value for '{name}', which is the primary key",
                at=f"table '{table}'",
                hint="Leave such rows out, or choose a key that every row has.",
            )
        fix = _fixed(column.type, slim=True)
        values.append([fix(value) for value in column.to_pylist()])
    names = list(columns)
    keys = (dict(zip(names, row, strict=True)) for row in zip(*values, strict=True))
    return _hashed(map(_json, keys), count)


def row_hashes(rows: pa.StructArray) -> tuple[pa.Array, pa.Array]:
    """Two hashes of each row: without the keys that have no value, and with all that the page
    knows.
    """
    plain = rows.to_pylist()
    slim, full = (_fixed(rows.type, slim=slim) for slim in (True, False))
    texts = [_json(_own(slim(row))) for row in plain]
    full_texts = [_json(_own(full(row))) for row in plain]
    return _hashed(texts, len(rows)), _hashed(full_texts, len(rows))


def nested_hashes(parents: pa.Array, table: str, positions: pa.Array) -> pa.Array:
    """The id of each row nested at `positions` in the rows with the ids `parents`."""
    pairs = zip(parents.to_pylist(), positions.to_pylist(), strict=True)
    return _hashed((f"{parent}_{table}_{at}".encode() for parent, at in pairs), len(parents))


def _hashed(texts: Iterable[bytes], count: int) -> pa.Array:
    digests = b"".join(hashlib.shake_128(text).digest(_BYTES) + b"\0\0" for text in texts)
    text = base64.b64encode(digests)  # 16 characters a row, the last two of which are padding
    fixed = pa.Array.from_buffers(pa.binary(16), count, [None, pa.py_buffer(text)])
    cut = fixed.cast(pa.binary()).cast(pa.string())
    return pc.utf8_slice_codeunits(cut, 0, 14)


def _own(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if not key.startswith("_dlt_")}


def _json(value: Any) -> bytes:
    return orjson.dumps(value, _spelled, orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def _spelled(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _fixed(arrow: pa.DataType, *, slim: bool) -> _Fix:
    """How a Python value that was read from an array of the type `arrow` is hashed.

    `slim` leaves out keys without a value and spells numbers by their value alone.
    """
    if isinstance(arrow, pa.BaseExtensionType):
        return _parsed(slim) if arrow.extension_name == "arrow.json" else _same
    if is_mixed(arrow):
        return _mixed({f.name: _fixed(f.type, slim=slim) for f in arrow})
    if pt.is_struct(arrow):
        return _struct({f.name: _fixed(f.type, slim=slim) for f in arrow}, slim)
    if pt.is_list(arrow):
        item = _fixed(arrow.value_type, slim=slim)
        return lambda value: None if value is None else [item(each) for each in value]
    return _number(arrow) if slim else _same


def _number(arrow: pa.DataType) -> _Fix:
    if pt.is_floating(arrow):
        return _whole
    return _stripped if pt.is_decimal(arrow) else _same


def _same(value: Any) -> Any:
    return value


def _whole(value: float | None) -> float | int | None:
    return int(value) if value is not None and value.is_integer() and abs(value) < _EXACT else value


def _stripped(value: Decimal | None) -> str | None:
    """Without trailing zeros, of which Arrow gives a column as many as its longest value has."""
    if value is None:
        return None
    return f"{value.normalize() if value else Decimal(0):f}"


def _struct(fields: Mapping[str, _Fix], slim: bool) -> _Fix:
    def fix(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
        if value is None:
            return None
        found = {name: each(value[name]) for name, each in fields.items()}
        return {k: v for k, v in found.items() if v is not None} if slim else found

    return fix


def _mixed(fields: Mapping[str, _Fix]) -> _Fix:
    def fix(value: Mapping[str, Any] | None) -> Any:
        held = [name for name in fields if value is not None and value[name] is not None]
        return fields[held[0]](value[held[0]]) if value is not None and held else None

    return fix


def _parsed(slim: bool) -> _Fix:
    def fix(text: str | None) -> Any:
        value = None if text is None else orjson.loads(text)
        return _slimmed(value) if slim else value

    return fix


def _slimmed(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _slimmed(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_slimmed(v) for v in value]
    return _whole(value) if isinstance(value, float) else value
