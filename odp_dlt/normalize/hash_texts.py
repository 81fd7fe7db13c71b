"""The JSON text of each row that its hash is made of, put together from whole columns.

It is the text that dlt hashes: compact JSON with sorted keys, in which a value of a class that JSON
lacks is text that begins with a mark of its class. Two spellings of it are of use. The *slim* one
leaves out keys without a value and spells numbers by their value alone, so that it stays when
nothing that a table shows has changed; the full one is what dlt would write.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from odp_dlt.normalize.exact import is_mixed
from odp_dlt.normalize.json_columns import listed, quoted_texts, where_valid
from odp_dlt.normalize.plain import json_text
from odp_dlt.schema.types import WEI

_EXACT = 2**53
_NULL = "null"
_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS

# dlt's marks of the classes that JSON lacks: characters of Unicode's area for private use.
_DECIMAL, _MOMENT, _DAY, _BYTES, _WEI, _CLOCK = "\uf026\uf027\uf028\uf02b\uf02c\uf02d"


class Texts(NamedTuple):
    """The slim and the full texts of one array: the same object where they are the same."""

    slim: pa.Array
    full: pa.Array

    def each(self, change: Callable[[pa.Array], pa.Array]) -> "Texts":
        """Both changed in the same way."""
        slim = change(self.slim)
        return Texts(slim, slim if self.full is self.slim else change(self.full))


def object_texts(columns: Mapping[str, pa.Array], count: int) -> Texts:
    """The texts of `count` objects with the keys and values `columns`."""
    if not columns:
        return _both(pa.repeat(pa.scalar("{}"), count))
    found = {name: _texts(columns[name]) for name in sorted(columns)}
    slim = _objects({name: texts.slim for name, texts in found.items()})
    if all(texts.full is texts.slim and not texts.slim.null_count for texts in found.values()):
        return _both(slim)
    return Texts(slim, _objects({n: texts.full.fill_null(_NULL) for n, texts in found.items()}))


def _objects(columns: Mapping[str, pa.Array]) -> pa.Array:
    """Objects of the texts `columns`, without the keys whose text is null."""
    keys = (pa.scalar(f"{json_text(name)}:") for name in columns)
    pieces = [
        pc.binary_join_element_wise(key, texts, "")
        for key, texts in zip(keys, columns.values(), strict=True)
    ]
    if all(piece.null_count for piece in pieces):  # Arrow drops rows that have nothing to join
        pieces = [pa.repeat(pa.scalar(""), len(pieces[0])), *pieces]
    inside = pc.binary_join_element_wise(*pieces, ",", null_handling="skip")
    inside = pc.utf8_ltrim(inside, ",")
    return pc.binary_join_element_wise(pa.scalar("{"), inside, pa.scalar("}"), "")


def _both(texts: pa.Array) -> Texts:
    return Texts(texts, texts)


def _texts(array: pa.Array) -> Texts:
    """The texts of each value of `array`, null where it is null."""
    if isinstance(array.type, pa.BaseExtensionType):
        return _extension(array)
    if is_mixed(array.type):
        parts = [_texts(part) for part in array.flatten()]
        return Texts(pc.coalesce(*(p.slim for p in parts)), pc.coalesce(*(p.full for p in parts)))
    if pt.is_struct(array.type):
        columns = dict(zip((f.name for f in array.type), array.flatten(), strict=True))
        return object_texts(columns, len(array)).each(lambda texts: where_valid(array, texts))
    if pt.is_list(array.type):
        items = _texts(array.flatten())
        return items.each(lambda texts: listed(array, texts.fill_null(_NULL)))
    return _scalars(array)


def _scalars(array: pa.Array) -> Texts:
    found = array.type
    if pt.is_floating(found):
        return _numbers(array.cast(pa.float64()))
    if pt.is_decimal(found):
        return _decimals(array)
    if pt.is_boolean(found) or pt.is_integer(found) or pt.is_null(found):
        return _both(array.cast(pa.string()))
    if pt.is_string(found):
        return _both(quoted_texts(array))
    texts = _moments(array)
    return _both(_by_value(array) if texts is None else texts)


def _numbers(array: pa.Array) -> Texts:
    """Doubles as JSON; slim, a whole number is spelled as an integer is."""
    full = _doubles(array)
    is_whole = pc.and_(pc.equal(pc.floor(array), array), pc.less(pc.abs(array), _EXACT))
    if not pc.any(is_whole).as_py():
        return _both(full)
    whole = pc.if_else(is_whole, array, None).cast(pa.int64()).cast(pa.string())
    return Texts(pc.coalesce(whole, full), full)


def _doubles(array: pa.Array) -> pa.Array:
    """Doubles as orjson spells them: all in one text, which is cut at its commas."""
    text = orjson.dumps(array.to_pylist())[1:-1].decode()
    texts = pa.array(text.split(",") if len(array) else [], pa.string())
    return where_valid(array, texts)


def _decimals(array: pa.Array) -> Texts:
    """Decimals; slim, they have no zeros at their end."""
    texts = array.cast(pa.string())
    mark = _WEI if array.type == WEI else _DECIMAL
    slim = texts
    if pc.any(pc.match_substring(texts, "E")).as_py():  # Arrow's notation is not quite Python's
        values = array.to_pylist()
        texts, slim = (
            pa.array([None if v is None else spell(v) for v in values], pa.string())
            for spell in (str, "{:f}".format)
        )
    if array.type.scale > 0:
        slim = pc.utf8_rtrim(pc.utf8_rtrim(slim, "0"), ".")
    return (
        _both(_marked(mark, texts))
        if slim is texts
        else Texts(_marked(mark, slim), _marked(mark, texts))
    )


def _moments(array: pa.Array) -> pa.Array | None:
    """Dates and times in ISO's notation, as Python writes it; None for other arrays."""
    found = array.type
    if pt.is_date32(found):
        return _marked(_DAY, array.cast(pa.string()))
    if pt.is_time(found) and found.unit == "us":
        return _marked(_CLOCK, _without_zeros(array))
    if pt.is_timestamp(found) and found.unit == "us" and found.tz in (None, "UTC"):
        texts = _without_zeros(array.cast(pa.timestamp("us")))
        texts = pc.replace_substring(texts, " ", "T")
        zone = pa.scalar("+00:00" if found.tz else "")
        return _marked(_MOMENT, pc.binary_join_element_wise(texts, zone, ""))
    return None


def _without_zeros(array: pa.Array) -> pa.Array:
    return pc.replace_substring(array.cast(pa.string()), ".000000", "")


def _marked(mark: str, texts: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(pa.scalar(f'"{mark}'), texts, pa.scalar('"'), "")


def _extension(array: pa.Array) -> Texts:
    """JSON is parsed, so that the order of its keys does not count: value by value."""
    if array.type.extension_name != "arrow.json":
        return _texts(array.storage)
    values = [None if text is None else orjson.loads(text) for text in array.storage.to_pylist()]
    slim = [None if v is None else _json(_slimmed(v)) for v in values]
    full = [None if v is None else _json(v) for v in values]
    texts = Texts(pa.array(slim, pa.string()), pa.array(full, pa.string()))
    return texts.each(lambda found: where_valid(array, found))


def _by_value(array: pa.Array) -> pa.Array:
    """Value by value: bytes, and moments of units and zones that Arrow spells in its own way."""
    return pa.array(
        [None if v is None else _json(_text(v)) for v in array.to_pylist()], pa.string()
    )


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return _BYTES + base64.b64encode(value).decode()
    return f"{_MOMENT}{value.isoformat()}" if hasattr(value, "isoformat") else str(value)


def _json(value: Any) -> str:
    return orjson.dumps(value, option=_SORTED).decode()


def _slimmed(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _slimmed(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_slimmed(v) for v in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return value
