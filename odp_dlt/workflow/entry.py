"""What every entry of the workflow files is: a frozen model that knows where it was written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


@dataclass(frozen=True)
class Position:
    """A place in a file; `line` and `column` count from 1."""

    file: Path
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Origin:
    """Where one entry of a file was written: a position for each path inside it."""

    positions: Mapping[tuple[str | int, ...], Position] = field(default_factory=dict)

    def at(self, *path: str | int) -> Position:
        """The position of `path`, or of the nearest part around it that has one."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.positions:
                return self.positions[path[:end]]
        raise KeyError(path)


class Part(BaseModel):
    """The base of what is written inside an entry: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(Part):
    """The base of one entry of a list at the top of a file; its origin is beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    origin: Origin = Field(default_factory=Origin, exclude=True, repr=False)
