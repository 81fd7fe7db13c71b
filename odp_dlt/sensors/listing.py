"""What the sensors of files have in common: a listing, what is new in it, and a run for each."""

import re
from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from odp_dlt.sensors.base import Poll, Sensor, Start, Value, Watch
from odp_dlt.sensors.seen import Memory, Thing, recent_news

Choose = Callable[[Iterable[Thing], Memory, int | None], tuple[list[Thing], Memory]]


def _pattern(text: str) -> str:
    try:
        compiled = re.compile(text)
    except re.error as e:
        raise ValueError(f"it is no regular expression: {e}") from e
    if not compiled.groups:
        raise ValueError("it needs a group in parentheses, which is the partition's key")
    if compiled.groupindex and len(compiled.groupindex) != compiled.groups:
        raise ValueError("either all of its groups have names, or none")
    return text


class Listing(Sensor):
    """One run for each file that is new or changed.

    `partition_pattern` finds the partition in a file's path: its groups joined by `-`, or, if they
    have names, by `|` in the order of the names. Files that it does not fit start nothing. With
    `first: skip` the files of the first look start nothing either. Of many files at most `at_once`
    start runs in one look, the oldest first.
    """

    values: ClassVar[frozenset[str]] = frozenset({"file_uri", "file_path", "file_name"})

    partition_pattern: Annotated[str, AfterValidator(_pattern)] | None = None
    first: Literal["run", "skip"] = "run"
    at_once: int = Field(100, ge=1)

    def gives_partition(self) -> bool:
        """It does if it has a pattern for it."""
        return self.partition_pattern is not None

    @abstractmethod
    def things(self, watch: Watch) -> Iterable[Thing]:
        """All files that are there now; the name of each is its path."""

    @abstractmethod
    def uri(self, path: str) -> str:
        """How other tools name the file at `path`."""

    @property
    def choose(self) -> Choose:
        """How what is new is told from what is known."""
        return recent_news

    def poll(self, cursor: str | None, watch: Watch) -> Poll:
        """One start for each new or changed file."""
        there = list(self.things(watch))
        fitting = [one for one in there if self._fits(one)]
        skips_all = cursor is None and self.first == "skip"
        taken, memory = self.choose(fitting, Memory.of(cursor), None if skips_all else self.at_once)
        starts = () if skips_all else tuple(map(self._start, taken))
        other = len(there) - len(fitting)
        why = f"no new or changed file among {len(fitting)}"
        why += f"; {other} do not fit partition_pattern" if other else ""
        return Poll(starts, memory.cursor(), None if starts else why)

    def _start(self, thing: Thing) -> Start:
        uri = self.uri(thing.name)
        values: dict[str, Value] = {
            "file_uri": uri,
            "file_path": thing.name,
            "file_name": thing.name.rpartition("/")[2],
        }
        return Start(f"{uri} {thing.version}", values, self._partition(thing.name))

    def _fits(self, thing: Thing) -> bool:
        return self.partition_pattern is None or self._partition(thing.name) is not None

    def _partition(self, path: str) -> str | None:
        """The partition that a path names; None if it names none."""
        found = re.search(self.partition_pattern or "", path)
        if found is None or self.partition_pattern is None:
            return None
        if named := found.groupdict(""):
            return "|".join(named[name] for name in sorted(named))
        return "-".join(found.groups(""))
