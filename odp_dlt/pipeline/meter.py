"""What a run has done so far, for whoever watches it from another thread."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Phase = Literal["extract", "load", "done"]


@dataclass
class Meter:
    """Counted by the run alone, read by anyone.

    `taken` are the rows of the source by resource; `rows` those of each table that wait to be
    loaded or are, `sizes` their bytes as Arrow; `loaded` the tables that are in the destination,
    though not yet committed before the phase is `done`.
    """

    phase: Phase = "extract"
    taken: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    loaded: set[str] = field(default_factory=set)

    def clear(self) -> None:
        """Begin anew."""
        self.phase = "extract"
        for counted in (self.taken, self.rows, self.sizes, self.loaded):
            counted.clear()

    def add(self, table: str, rows: int, size: int) -> None:
        """`rows` more of `table`, of `size` bytes."""
        self.rows[table] += rows
        self.sizes[table] += size

    def line(self) -> str:
        """One line of what goes on now."""
        rows, size = self.rows.total(), in_units(self.sizes.total())
        match self.phase:
            case "extract":
                tables = f"{rows:,} rows ({size}) of {len(self.rows)} tables"
                return f"extracting: {self.taken.total():,} rows taken, {tables} ready"
            case "load":
                done = len(self.loaded)
                return f"loading: {rows:,} rows ({size}), {done} of {len(self.rows)} tables written"
        return f"loaded: {rows:,} rows ({size}) of {len(self.rows)} tables"


def in_units(size: int) -> str:
    """`size` bytes in the largest unit that fits."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"
