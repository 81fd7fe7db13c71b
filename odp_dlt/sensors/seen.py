"""Which of the things that are there now are new or changed: pure, its memory is a text."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from odp_dlt.errors import ConfigError

SLACK = timedelta(days=1)
"""How long after its own time stamp an object of a bucket may become visible.

The stamp of a large upload can be that of its begin. What is older than the newest known one by
more than this is taken for known, so that the memory of a bucket stays small."""


@dataclass(frozen=True)
class Thing:
    """Something that is there now; another `version` of it is a change. `at` is its time stamp."""

    name: str
    version: str
    at: datetime

    @property
    def mark(self) -> str:
        """What is remembered of it."""
        return hashlib.sha256(f"{self.name}\n{self.version}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Memory:
    """The marks of what was there; with `until`, only of what is not much older than that."""

    marks: frozenset[str] = frozenset()
    until: datetime | None = None

    @classmethod
    def of(cls, cursor: str | None) -> "Memory":
        """What a cursor says. ConfigError if it is none of ours."""
        if cursor is None:
            return cls()
        try:
            held = json.loads(cursor)
            until = held["until"] and datetime.fromisoformat(held["until"])
            return cls(frozenset(held["marks"]), until)
        except (ValueError, KeyError, TypeError) as e:
            raise ConfigError(
                "the sensor's cursor is not one that this sensor wrote",
                hint="Reset the cursor of the sensor in Dagster.",
            ) from e

    def cursor(self) -> str:
        """The text from which `of` makes the same again."""
        until = self.until.isoformat() if self.until else None
        return json.dumps({"until": until, "marks": sorted(self.marks)})


def news(things: Iterable[Thing], memory: Memory, most: int | None) -> tuple[list[Thing], Memory]:
    """At most `most` things that are new or changed, oldest first, and the memory after them.

    All that is there is remembered: for what is listed whole and is not too much, as a folder is.
    """
    there = list(things)
    taken = _oldest((one for one in there if one.mark not in memory.marks), most)
    known = {one.mark for one in there} & memory.marks
    return taken, Memory(frozenset(known | {one.mark for one in taken}))


def recent_news(
    things: Iterable[Thing], memory: Memory, most: int | None
) -> tuple[list[Thing], Memory]:
    """The same for what may be too much to remember: what is older than by SLACK is known."""
    since = memory.until - SLACK if memory.until else datetime.min.replace(tzinfo=UTC)
    recent = [one for one in things if one.at >= since]
    taken = _oldest((one for one in recent if one.mark not in memory.marks), most)
    until = max([one.at for one in taken] + ([memory.until] if memory.until else []), default=None)
    marks = memory.marks | {one.mark for one in taken}
    kept = (one.mark for one in recent if until is None or one.at >= until - SLACK)
    return taken, Memory(frozenset(marks.intersection(kept)), until)


def _oldest(things: Iterable[Thing], most: int | None) -> list[Thing]:
    return sorted(things, key=lambda one: (one.at, one.name))[:most]
