"""`{resources.posts.id}` and `{incremental.start_value}` in what is asked of an API."""

from collections.abc import Iterator, Mapping, Sequence
from string import Formatter
from typing import Any

from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest


class _Direct(Formatter):
    """A whole expression is one name."""

    def get_field(
        self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[Any, str]:
        if field_name not in kwargs:
            raise ConfigError(
                f"there is nothing to put in for '{{{field_name}}}'",
                hint=f"{nearest(field_name, kwargs)} Braces themselves are written twice.",
            )
        return kwargs[field_name], field_name


def expressions(content: Any) -> Iterator[str]:
    """The names in braces, in text however deep."""
    if isinstance(content, str):
        yield from (name for _, name, _, _ in Formatter().parse(content) if name)
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from expressions(key)
            yield from expressions(value)
    elif isinstance(content, (list, tuple)):
        for value in content:
            yield from expressions(value)


def filled(content: Any, values: Mapping[str, Any], keep_type: bool = False) -> Any:
    """`content` with `values` in place of the names in braces.

    With `keep_type`, a text that is one name and no more becomes the value as it is.
    """
    if isinstance(content, str):
        names = list(expressions(content))
        if keep_type and names and content == f"{{{names[0]}}}":
            return _Direct().get_field(names[0], (), values)[0]
        return _Direct().vformat(content, (), values)
    if isinstance(content, Mapping):
        return {
            filled(key, values, keep_type): filled(value, values, keep_type)
            for key, value in content.items()
        }
    if isinstance(content, (list, tuple)):
        return [filled(value, values, keep_type) for value in content]
    return content
