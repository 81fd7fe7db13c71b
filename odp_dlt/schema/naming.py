"""How names of the source become names of tables and columns: dlt's naming conventions.

A raw name goes through `Naming.path`; the names of nested tables and flattened columns are put
together from normalized pieces with `Naming.join`. Everything here is pure and cached, because it
is asked for every field of every page.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest

EMPTY = "_empty"
"""What a name becomes of which nothing is left: empty, blank, or made of separators only.

dlt does this for empty and blank keys; a key such as `__` makes it crash.
"""

DLT_MODULES = "dlt.common.normalizers."

_TAG_BYTES = 4
_CACHED = 2**16  # names of a source are few; keys that are really data must not fill the memory

_SPOKEN = str.maketrans("+*-@|", "xx_al")
_QUOTES_AND_BREAKS = str.maketrans({"\n": "_", "\r": "_", '"': "_", "'": "_", "▶": "_"})
_BREAKS = str.maketrans({"\n": "_", "\r": "_", '"': "_"})
_FOREIGN = re.compile(r"[^A-Za-z\d_]+")
_WORD_START = re.compile(r"(?<=[^_])(?=[A-Z][a-z])|(?<=[a-z0-9])(?=[A-Z])")
_UNDERSCORES = re.compile(r"__+")


@dataclass(frozen=True)
class Naming:
    """One naming convention with the longest name that the destination takes, in characters."""

    name: str
    max_length: int = 65536
    separator: str = "__"

    def identifier(self, raw: str) -> str:
        """`raw` as one piece of a name; separators inside it are not kept."""
        return _identifier(self.name, raw, self.max_length)

    def path(self, raw: str) -> str:
        """`raw` as the name of a column or table: its pieces between separators each normalized.

        Empty pieces are dropped, so `a____b` is `a__b`; see `EMPTY` for when nothing is left.
        """
        return _path(self.name, self.separator, raw, self.max_length)

    def join(self, *parts: str) -> str:
        """A name from normalized `parts`, such as a table and its list field."""
        return _join(self.separator, parts, self.max_length)


def naming_convention(name: str, max_length: int = 65536) -> Naming:
    """The convention that a schema's `normalizers.names` means, short or with dlt's module path.

    ConfigError if there is none of that name.
    """
    short = name.rpartition(".")[2] if name.startswith(DLT_MODULES) else name
    if short not in _CONVENTIONS:
        raise ConfigError(
            f"no naming convention is named '{name}'", hint=nearest(short, _CONVENTIONS)
        )
    return Naming(short, max_length, "▶" if short == "direct" else "__")


@lru_cache(maxsize=_CACHED)
def _identifier(convention: str, raw: str, max_length: int) -> str:
    stripped = raw.strip()
    normalized = _CONVENTIONS[convention](stripped) if stripped else ""
    return _shorten(normalized or EMPTY, stripped, max_length)


@lru_cache(maxsize=_CACHED)
def _path(convention: str, separator: str, raw: str, max_length: int) -> str:
    pieces = [piece for piece in raw.split(separator) if piece.strip()]
    normalized = [_identifier(convention, piece, max_length) for piece in pieces]
    return _shorten(separator.join(normalized) or EMPTY, raw, max_length)


@lru_cache(maxsize=_CACHED)
def _join(separator: str, parts: tuple[str, ...], max_length: int) -> str:
    whole = separator.join(part for part in parts if part.strip())
    return _shorten(whole, whole, max_length)


def _shorten(name: str, original: str, max_length: int) -> str:
    """`name` cut in its middle to `max_length`, with a tag there that tells originals apart."""
    if len(name) <= max_length:
        return name
    digest = hashlib.shake_128(original.encode("utf-8", "surrogatepass")).digest(_TAG_BYTES)
    tag = base64.b64encode(digest, altchars=b"ba").decode().rstrip("=").lower()
    kept = max_length - len(tag)
    tail = kept // 2
    return name[: kept - tail] + tag + name[len(name) - tail :]


def _snake_case(raw: str) -> str:
    plain = _FOREIGN.sub("_", raw.translate(_SPOKEN))
    words = _after_digit_guard(_WORD_START.sub("_", plain).lower())
    stem = words.rstrip("_")
    return _UNDERSCORES.sub("_", stem + "x" * (len(words) - len(stem)))


def _sql_case_sensitive(raw: str) -> str:
    guarded = _after_digit_guard(_FOREIGN.sub("_", raw))
    stem = guarded if guarded == "_" else guarded.rstrip("_")
    return _UNDERSCORES.sub("_", stem)


def _sql_case_insensitive(raw: str) -> str:
    return _sql_case_sensitive(raw).lower()


def _direct(raw: str) -> str:
    return raw.translate(_QUOTES_AND_BREAKS)


def _duck_case(raw: str) -> str:
    return _UNDERSCORES.sub("_", raw.translate(_BREAKS))


def _after_digit_guard(name: str) -> str:
    return f"_{name}" if re.match(r"\d", name) else name


_CONVENTIONS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "snake_case": _snake_case,
        "sql_cs_v1": _sql_case_sensitive,
        "sql_ci_v1": _sql_case_insensitive,
        "direct": _direct,
        "duck_case": _duck_case,
    }
)
