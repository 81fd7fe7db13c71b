"""Small functions that dlt's sources expect: parts of lists, hashes, walks over nested values."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

T = TypeVar("T")


def chunks(items: Iterable[T], n: int) -> Iterator[Sequence[T]]:
    """`items` in lists of `n`, the last one perhaps shorter."""
    rest = iter(items)
    while part := list(islice(rest, n)):
        yield part


def digest128(text: str, len_: int = 15) -> str:
    """Base64 of a hash of `len_` bytes; 120 bits unless said otherwise."""
    digest = hashlib.shake_128(text.encode()).digest(len_)
    return base64.b64encode(digest).decode("ascii").rstrip("=")


def uniq_id(len_: int = 16) -> str:
    """`len_` random bytes as hexadecimal digits."""
    return secrets.token_hex(len_)


def map_nested_values_in_place(
    function: Callable[..., Any], nested: Any, *args: Any, **kwargs: Any
) -> Any:
    """`function` over every scalar in dicts and lists, which are changed; a tuple is made anew."""
    return _mapped(nested, lambda value: function(value, *args, **kwargs), lambda key: key)


def map_nested_keys_in_place(
    function: Callable[..., Any], nested: Any, *args: Any, **kwargs: Any
) -> Any:
    """`function` over every key of dicts, in dicts and lists, which are changed."""
    return _mapped(nested, lambda value: value, lambda key: function(key, *args, **kwargs))


def _mapped(nested: Any, value_of: Callable[[Any], Any], key_of: Callable[[Any], Any]) -> Any:
    if isinstance(nested, tuple):
        return tuple(_mapped(item, value_of, key_of) for item in nested)
    if isinstance(nested, list):
        nested[:] = [_mapped(item, value_of, key_of) for item in nested]
        return nested
    if isinstance(nested, dict):
        pairs = [(key_of(key), _mapped(item, value_of, key_of)) for key, item in nested.items()]
        nested.clear()
        nested.update(pairs)
        return nested
    return value_of(nested)
