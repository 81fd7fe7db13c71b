"""`sensor_kind: asset`: other assets were materialized."""

import json
from typing import ClassVar, Literal

from pydantic import Field

from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.sensors.base import Materialized, Poll, Project, Sensor, Start, Watch

MOST = 100


class Asset(Sensor):
    """`require: any` starts a run when one of `asset_keys` was materialized, one for each of its
    partitions that was; `all` starts one when each of them was, whatever the partitions.

    What was materialized before the first look does not count.
    """

    values: ClassVar[frozenset[str]] = frozenset({"asset_key", "partition_key", "run_id"})

    asset_keys: list[str] = Field(min_length=1)
    require: Literal["any", "all"] = "any"

    def check(self, project: Project) -> None:
        """That the assets are some of the project."""
        for key in self.asset_keys:
            if key not in project.assets:
                raise ConfigError(f"there is no asset '{key}'", hint=nearest(key, project.assets))

    def poll(self, cursor: str | None, watch: Watch) -> Poll:
        """The materializations after those that the cursor names, by asset."""
        last = {key: watch.events.last_materialization(key) for key in self.asset_keys}
        if cursor is None:
            return Poll((), json.dumps(last), "the first look; what comes after it counts")
        held = {**last, **_held(cursor)}
        found = {
            key: watch.events.materializations(key, held[key], MOST) for key in self.asset_keys
        }
        if self.require == "all":
            return self._all(held, {key: events[-1] for key, events in found.items() if events})
        taken = sorted((one for events in found.values() for one in events), key=_number)[:MOST]
        newest = {(one.asset_key, one.partition): one for one in taken}
        after = {**held, **{one.asset_key: one.number for one in taken}}
        skipped = None if taken else "no new materialization"
        return Poll(
            tuple(map(_start, newest.values())), json.dumps(_of(self.asset_keys, after)), skipped
        )

    def _all(self, held: dict[str, int], newest: dict[str, Materialized]) -> Poll:
        missing = [key for key in self.asset_keys if key not in newest]
        if missing:
            cursor = json.dumps(_of(self.asset_keys, held))
            return Poll((), cursor, f"no new materialization of {', '.join(missing)}")
        after = {key: event.number for key, event in newest.items()}
        last = max(newest.values(), key=_number)
        key = " ".join(str(number) for number in after.values())
        start = Start(key, {**_start(last).values, "partition_key": None})
        return Poll((start,), json.dumps(after))


def _start(event: Materialized) -> Start:
    values = {
        "asset_key": event.asset_key,
        "partition_key": event.partition,
        "run_id": event.run_id,
    }
    return Start(str(event.number), values, event.partition)


def _number(event: Materialized) -> int:
    return event.number


def _of(keys: list[str], numbers: dict[str, int]) -> dict[str, int]:
    """Only those of `keys`: an asset may have been taken out of the YAML since."""
    return {key: numbers[key] for key in keys}


def _held(cursor: str) -> dict[str, int]:
    try:
        held = json.loads(cursor)
        return {str(key): int(number) for key, number in held.items()}
    except (ValueError, AttributeError, TypeError) as e:
        raise ConfigError(
            "the sensor's cursor is not one that this sensor wrote",
            hint="Reset the cursor of the sensor in Dagster.",
        ) from e
