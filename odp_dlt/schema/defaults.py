"""What a schema's settings say of new columns: by their names, and by their first values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.schema.model import DATA_TYPES, Column, DataType

DETECTIONS = (
    *("timestamp", "iso_timestamp", "iso_date", "large_integer"),
    *("hexbytes_to_text", "wei_to_double"),
)
_PATTERN = "re:"

Patterns = tuple[re.Pattern[str], ...]


@dataclass(frozen=True)
class Defaults:
    """`detections` are dlt's names of rules that type a column by its first value, in their order.

    `preferred` are types, and `hints` flags such as `not_null`, by patterns of column names.
    """

    detections: tuple[str, ...] = ()
    preferred: tuple[tuple[re.Pattern[str], DataType], ...] = ()
    hints: tuple[tuple[str, Patterns], ...] = ()

    def preferred_type(self, name: str) -> DataType | None:
        """The type that a column called `name` is to have whatever its first value is."""
        return next((kind for pattern, kind in self.preferred if pattern.search(name)), None)

    def hinted(self, column: Column) -> Column:
        """The new `column` with the flags that its name brings, as far as it says nothing else."""
        found = [hint for hint, patterns in self.hints if _any(patterns, column.name)]
        flags: dict[str, Any] = {hint: True for hint in found if hint != "not_null"}
        nullable = "not_null" not in found if column.nullable is None else column.nullable
        return replace(column, nullable=nullable, hints={**flags, **column.hints})


def defaults_of(settings: Mapping[str, Any]) -> Defaults:
    """The rules in the `settings` of a schema. ConfigError for what is no rule."""
    detections = tuple(settings.get("detections") or ())
    for name in detections:
        _known(name, DETECTIONS, "detection", "detections")
    preferred = (settings.get("preferred_types") or {}).items()
    for _, kind in preferred:
        _known(kind, DATA_TYPES, "data type", "preferred_types")
    hints = (settings.get("default_hints") or {}).items()
    return Defaults(
        detections,
        tuple((_pattern(said), kind) for said, kind in preferred),
        tuple((hint, tuple(map(_pattern, said))) for hint, said in hints),
    )


def _any(patterns: Patterns, name: str) -> bool:
    return any(pattern.search(name) for pattern in patterns)


def _pattern(said: str) -> re.Pattern[str]:
    """`said` as dlt has it: a regular expression after `re:`, else the whole name."""
    if not said.startswith(_PATTERN):
        return re.compile(f"^{re.escape(said)}$")
    try:
        return re.compile(said.removeprefix(_PATTERN))
    except re.error as e:
        raise ConfigError(
            f"'{said}' is no regular expression: {e}", at="the settings of the schema"
        ) from e


def _known(said: str, known: Sequence[str], what: str, where: str) -> None:
    if said not in known:
        raise ConfigError(
            f"there is no {what} '{said}'",
            at=f"{where} in the settings of the schema",
            hint=nearest(said, known),
        )
