"""What the sensors of one changing value have in common: a run whenever it is another one."""

import hashlib
import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from odp_dlt.errors import ConfigError
from odp_dlt.sensors.base import Poll, Sensor, Start, Value, Watch


@dataclass(frozen=True)
class State:
    """What is there now, told apart by `version`; without one there is nothing to start.

    `said` describes it to a person.
    """

    version: str | None
    said: str
    values: Mapping[str, Value]


class Changes(Sensor):
    """One run whenever what is watched is another than at the last look.

    The first look starts a run too, unless `first` is `skip`.
    """

    first: Literal["run", "skip"] = "run"

    @abstractmethod
    def look(self, watch: Watch) -> State:
        """What is there now."""

    def poll(self, cursor: str | None, watch: Watch) -> Poll:
        """A start if the version is another one."""
        state = self.look(watch)
        version, chain = _held(cursor)
        if state.version is None or state.version == version:
            return Poll((), cursor, state.said)
        # a chain and not the version: what comes back to an earlier version starts a run again
        chain = hashlib.sha256(f"{chain}\n{state.version}".encode()).hexdigest()[:32]
        after = json.dumps({"version": state.version, "chain": chain})
        if cursor is None and self.first == "skip":
            return Poll((), after, f"the first look: {state.said}")
        return Poll((Start(chain, state.values),), after)


def _held(cursor: str | None) -> tuple[str | None, str]:
    if cursor is None:
        return None, ""
    try:
        held = json.loads(cursor)
        return held["version"], held["chain"]
    except (ValueError, KeyError, TypeError) as e:
        raise ConfigError(
            "the sensor's cursor is not one that this sensor wrote",
            hint="Reset the cursor of the sensor in Dagster.",
        ) from e
