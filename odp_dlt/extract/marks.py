"""`dlt.mark`: what a resource says about single items, as it yields them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from odp_dlt.errors import ConfigError
from odp_dlt.extract.hints import Hints


@dataclass(frozen=True)
class Marked:
    """An item, or a page, with the table that it goes to or with hints for its table.

    With `variant` the hints hold for the table that they name, else for the whole resource from
    here on.
    """

    data: Any
    table_name: str | None = None
    hints: Mapping[str, Any] | None = None
    variant: bool = False


def with_table_name(item: Any, table_name: str) -> Marked:
    """`item` (a row or a page), to be loaded into the table `table_name`."""
    return Marked(item, table_name=table_name)


def with_hints(item: Any, hints: Mapping[str, Any], create_table_variant: bool = False) -> Marked:
    """`item` with hints of `make_hints` for its table, which later items keep.

    With `create_table_variant` they are those of the table that they name, and of no other.
    """
    if create_table_variant and not isinstance(hints.get("table_name"), str):
        raise ConfigError(
            "hints for one table of a resource do not name it",
            hint="Give make_hints a table_name that is a text.",
        )
    return Marked(item, hints=hints, variant=create_table_variant)


def make_hints(**hints: Any) -> dict[str, Any]:
    """Hints for `with_hints`, checked: the keywords of `dlt.resource` that speak of its table."""
    incremental = hints.pop("incremental", None)
    if incremental is not None:
        raise ConfigError("an incremental belongs to the resource, not to hints for single items")
    return dict(Hints.of(hints).given())


def make_nested_hints(**hints: Any) -> dict[str, Any]:
    """Hints for one nested table, a value of `nested_hints`."""
    return dict(Hints.of(hints).given())
