"""While a step runs: what it has done so far, as log lines and as observations of its tables."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from odp_dlt.pipeline.meter import Meter
from odp_dlt.tasks.base import Context

LINE_EVERY_S = 2.0
OBSERVE_EVERY_S = 5.0
_LOOK_EVERY_S = 0.25

Record = Callable[[dg.AssetObservation], None]


class Lines:
    """Passes lines on, at most one every two seconds: each is a row in Dagster's event log."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._guard = threading.Lock()
        self._said_at = 0.0

    def __call__(self, line: str) -> None:
        with self._guard:
            now = time.monotonic()
            if now - self._said_at < LINE_EVERY_S:
                return
            self._said_at = now
        self._log(line)

    @property
    def quiet_for(self) -> float:
        """Seconds since the last line."""
        return time.monotonic() - self._said_at


@dataclass
class _Watch:
    """What has been told of a running step; used by the watching thread alone."""

    context: Context
    lines: Lines
    record: Record
    partition: str | None
    began: float = field(default_factory=time.monotonic)
    told_at: float = field(default_factory=time.monotonic)
    told: dict[str, tuple[int, str]] = field(default_factory=dict)

    def look(self) -> None:
        """Say and record what is due."""
        meter = self.context.meter
        if not meter.taken:  # nothing yet, or a task that does not count
            return
        if self.lines.quiet_for >= OBSERVE_EVERY_S:
            self.lines(meter.line())
        if time.monotonic() - self.told_at >= OBSERVE_EVERY_S:
            self.told_at = time.monotonic()
            self._observe(meter)

    def _observe(self, meter: Meter) -> None:
        seconds = time.monotonic() - self.began
        for table, rows in list(meter.rows.items()):
            key, state = self.context.keys.get(table), (rows, _phase(meter, table))
            if key is None or self.told.get(table) == state:
                continue
            self.told[table] = state
            metadata = _numbers(meter, table, seconds)
            asset_key = dg.AssetKey(key.split("/"))
            self.record(dg.AssetObservation(asset_key, metadata=metadata, partition=self.partition))


def _numbers(meter: Meter, table: str, seconds: float) -> Mapping[str, Any]:
    """Of one table; the names differ from those of a materialization, which are final."""
    rows = meter.rows[table]
    return {
        "phase": _phase(meter, table),
        "rows_so_far": rows,
        "bytes_so_far": meter.sizes[table],
        "rows_per_s": round(rows / max(seconds, 0.001), 1),
        "seconds_so_far": round(seconds, 1),
    }


def _phase(meter: Meter, table: str) -> str:
    return "written" if table in meter.loaded else meter.phase


@contextmanager
def watched(
    context: Context, lines: Lines, record: Record, partition: str | None
) -> Iterator[None]:
    """Inside, the work of `context` is watched from a thread of its own; `record` is called there.

    A record that Dagster's storage refuses ends the watching, never the work.
    """
    watch, over = _Watch(context, lines, record, partition), threading.Event()

    def go_on() -> None:
        while not over.wait(_LOOK_EVERY_S):
            try:
                watch.look()
            except Exception:
                logging.getLogger("odp_dlt").warning("progress is no longer told", exc_info=True)
                return

    thread = threading.Thread(target=go_on, daemon=True, name="odp-progress")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
