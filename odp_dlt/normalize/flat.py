"""The fields of some rows under the names that they get: values for columns, lists for tables.

Two keys may become one name: `Id` and `ID`, or `żółć` and `名前` of which nothing is left. Where no
row has both, they share the column, as in dlt. From the first row on that has both, which in dlt
loses one of the values, each key has a column (or a nested table) of its own: one keeps the name,
the others' names end in a tag that is made of the key. The schema records which is whose, so the
pages and runs that follow agree.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from odp_dlt.normalize.exact import is_mixed, parts, struct_array
from odp_dlt.schema.naming import Naming

SOURCE_KEY = "x-odp-source-key"
"""The hint of a column or nested table that shares its name: the path of keys that it is for."""

_TAG_BYTES = 4

Path = tuple[str, ...]


@dataclass(frozen=True)
class Claim:
    """The values that one path of keys brings for a name."""

    keys: str
    values: pa.Array


@dataclass
class Flat:
    """Claims by name, in the order that dlt gives new columns and tables."""

    naming: Naming
    columns: dict[str, list[Claim]] = field(default_factory=dict)
    lists: dict[str, list[Claim]] = field(default_factory=dict)

    def add_rows(self, rows: pa.Array) -> None:
        """The fields of `rows`; scalars in a list are a field `value`, lists in it one `list`."""
        by_order_of_keys = sorted(parts(rows), key=lambda part: not pt.is_struct(part.type))
        for part in by_order_of_keys:
            if pt.is_struct(part.type):
                self._add_fields(part, (), ())
            elif pt.is_list(part.type):
                self._add(part, ("list",), ("list",))
            elif not pt.is_null(part.type):
                self._add(part, ("value",), ("value",))

    def _add_fields(self, struct: pa.StructArray, names: Path, keys: Path) -> None:
        """The scalars of this level in key order, then its dicts, the last one first, as dlt."""
        dicts = []
        for key, child in zip(struct.type, _children(struct), strict=True):
            path = (*names, self.naming.path(key.name))
            key_path = (*keys, key.name)
            for part in _by_shape(child):
                if pt.is_struct(part.type) and not is_mixed(part.type):
                    dicts.append((part, path, key_path))
                else:
                    self._add(part, path, key_path)
        for part, path, key_path in reversed(dicts):
            self._add_fields(part, path, key_path)

    def _add(self, values: pa.Array, names: Path, keys: Path) -> None:
        name, text = self.naming.join(*names), ".".join(keys)
        claims = (self.lists if pt.is_list(values.type) else self.columns).setdefault(name, [])
        for place, claim in enumerate(claims):
            if claim.keys == text:
                claims[place] = Claim(text, together([claim.values, values]))
                return
        claims.append(Claim(text, values))


def _children(struct: pa.StructArray) -> list[pa.Array]:
    if struct.null_count:
        return list(struct.flatten())
    return [struct.field(i) for i in range(struct.type.num_fields)]


def _by_shape(array: pa.Array) -> list[pa.Array]:
    """A mixed array as its dicts, its lists, and all its scalars as one mixed array."""
    if not is_mixed(array.type):
        return [array]
    found, scalars = [], {}
    for name, part in zip(array.type, array.flatten(), strict=True):
        if pt.is_struct(part.type) or pt.is_list(part.type):
            found.append(part)
        else:
            scalars[name.name] = part
    return [*found, *([struct_array(scalars, len(array))] if scalars else [])]


def together(arrays: list[pa.Array]) -> pa.Array:
    """Arrays that have values in different rows as one mixed array, the earliest row first."""
    every = [part for array in arrays for part in parts(array) if part.null_count < len(part)]
    if len(every) < 2:
        return every[0] if every else arrays[0]
    every.sort(key=first_row)
    return struct_array({f"\0{i}": part for i, part in enumerate(every)}, len(arrays[0]))


def first_row(array: pa.Array) -> int:
    """The place of the first value that is not null; there must be one."""
    return 0 if array.null_count == 0 else int(pc.index(array.is_valid(), True).as_py())


def settled(
    claims: list[Claim], name: str, recorded: Mapping[str, str], tagged: Mapping[str, str]
) -> list[tuple[str, str | None, list[pa.Array]]]:
    """What becomes of the claims to one name: names, with the key to record, and their arrays.

    `recorded` is the key by name for names whose key is recorded, `tagged` the names that the
    keys get if they have to give way. The arrays of one name have values in different rows.
    """
    if name in recorded:
        return [
            (name if c.keys == recorded[name] else tagged[c.keys], c.keys, [c.values])
            for c in claims
        ]
    filled = [c for c in claims if c.values.null_count < len(c.values)]
    claims = sorted(filled, key=lambda claim: first_row(claim.values)) or claims[:1]
    if len(claims) == 1:
        return [(name, None, [claims[0].values])]
    clash = _first_clash(claims)
    if clash is None:
        return [(name, None, [claim.values for claim in claims])]
    owner = next((c.keys for c in claims if c.keys == name), claims[0].keys)
    own = [c.values if c.keys == owner else _before(c.values, clash) for c in claims]
    rest = [(tagged[c.keys], c.keys, [_from(c.values, clash)]) for c in claims if c.keys != owner]
    return [(name, owner, own), *rest]


def tagged_name(name: str, keys: str, naming: Naming) -> str:
    """`name` with a tag that is made of `keys`, always the same one."""
    digest = hashlib.shake_128(keys.encode("utf-8", "surrogatepass")).digest(_TAG_BYTES)
    tag = base64.b32encode(digest).decode().rstrip("=").lower()
    return naming.join(f"{name}_{tag}")


def _first_clash(claims: list[Claim]) -> int | None:
    """The first row in which more than one claim has a value."""
    taken = _filled(claims[0].values)
    clash = None
    for claim in claims[1:]:
        filled = _filled(claim.values)
        both = pc.and_(taken, filled)
        clash = both if clash is None else pc.or_(clash, both)
        taken = pc.or_(taken, filled)
    row = pc.index(clash, True).as_py()
    return None if row < 0 else int(row)


def _filled(array: pa.Array) -> pa.Array:
    if pt.is_list(array.type):
        return pc.greater(array.value_lengths().fill_null(0), 0)
    if not is_mixed(array.type):
        return array.is_valid()
    filled, *more = [part.is_valid() for part in parts(array)]
    for part in more:
        filled = pc.or_(filled, part)
    return filled


def _before(array: pa.Array, row: int) -> pa.Array:
    return pa.concat_arrays([array.slice(0, row), pa.nulls(len(array) - row, array.type)])


def _from(array: pa.Array, row: int) -> pa.Array:
    return pa.concat_arrays([pa.nulls(row, array.type), array.slice(row)])
