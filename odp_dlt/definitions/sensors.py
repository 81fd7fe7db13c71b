"""Triggers of the type `sensor` → Dagster's sensors: one loop for every kind."""

import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from odp_dlt.definitions.complete import latest_complete
from odp_dlt.definitions.instance_events import InstanceEvents
from odp_dlt.definitions.jobs import PlannedJob, merged
from odp_dlt.definitions.refused import REFUSED, quiet_about_owners, reason
from odp_dlt.definitions.sensor_values import run_config
from odp_dlt.errors import ConfigError, OdpError, RetriableError
from odp_dlt.sensors.base import Project, Sensor, Start, Watch, sensors
from odp_dlt.tasks.base import Site
from odp_dlt.tasks.params import ParamError, validated, validated_unless_template
from odp_dlt.workflow.automation import SensorTrigger
from odp_dlt.workflow.template import names_in, render

_PARAMS = ("params", "sensor_params")


@dataclass(frozen=True)
class PlannedSensor:
    """A trigger with the class that does its work. `gives_values` says whether runs need them."""

    planned: PlannedJob
    index: int
    trigger: SensorTrigger
    kind: type[Sensor]
    site: Site
    gives_values: bool

    def at(self, *path: str | int) -> str:
        """Where a key of the trigger is written."""
        return str(self.planned.at(self.index, *path))

    def model(self) -> Sensor:
        """The sensor, its params filled in from the environment as it is now."""
        params = render(
            self.trigger.params.sensor_params,
            {"env": os.environ},
            at=lambda path: self.at(*_PARAMS, *path),
        )
        return validated(self.kind, params, self.site.root)

    def located(self, error: OdpError) -> OdpError:
        """`error` with the place of what it is about."""
        if isinstance(error, ParamError):
            at = self.at(*_PARAMS, *error.path)
            return ConfigError(error.message, at=at, hint=error.hint)
        if error.at is None:
            error.at = self.at(*_PARAMS)
        return error


def planned_sensor(
    planned: PlannedJob, index: int, trigger: SensorTrigger, site: Site, gives_values: bool
) -> PlannedSensor:
    """ConfigError for a kind that is none."""
    at = planned.at(index, "params", "sensor_kind")
    kind = sensors.find(trigger.params.sensor_kind, at=at)
    return PlannedSensor(planned, index, trigger, kind, site, gives_values)


def checked(one: PlannedSensor, assets: Iterable[str], jobs: Iterable[str]) -> Sensor | None:
    """The sensor as far as it is known now, or None if its params wait for the environment.

    ConfigError, with its place, for what is wrong.
    """
    params = one.trigger.params.sensor_params
    for name in sorted(names_in(params)):
        if not name.startswith("env."):
            raise ConfigError(
                f"the params of a sensor cannot name '{name}': there is no run yet",
                at=one.at(*_PARAMS),
                hint="They can name environment variables: {{env.NAME}}.",
            )
    try:
        model = validated_unless_template(one.kind, params, one.site.root)
        if model is not None:
            job = one.planned.job.job_id
            model.check(Project(one.site, frozenset(assets), frozenset(jobs), job))
            _must_fit_partitions(one, model)
        return model
    except OdpError as e:
        raise one.located(e) from e


def definition(one: PlannedSensor) -> dg.SensorDefinition:
    """Dagster's sensor; ConfigError if it cannot be one."""
    trigger = one.trigger
    stopped = trigger.default_status == "stopped"
    interval = trigger.minimum_interval
    try:
        with quiet_about_owners():
            return dg.SensorDefinition(
                trigger.trigger_id,
                evaluation_fn=_evaluation(one),
                job=one.planned.definition,
                minimum_interval_seconds=math.ceil(interval.total_seconds()) if interval else None,
                description=trigger.description,
                default_status=dg.DefaultSensorStatus.STOPPED
                if stopped
                else dg.DefaultSensorStatus.RUNNING,
                owners=trigger.owners or None,
            )
    except REFUSED as e:
        message = f"the sensor '{trigger.trigger_id}' is not possible: {reason(e)}"
        key = "owners" if "owner" in str(e) else "trigger_id"
        raise ConfigError(message, at=one.at(key)) from e


def _must_fit_partitions(one: PlannedSensor, model: Sensor) -> None:
    partitions = one.planned.partitions
    job = one.planned.job.job_id
    if partitions is None:
        if model.gives_partition():
            message = f"the sensor names partitions, but the job '{job}' has none"
            raise ConfigError(message, at=one.at(*_PARAMS))
        return
    timed = isinstance(partitions, dg.TimeWindowPartitionsDefinition)
    follows = {"partition_key"} <= model.value_names()
    if not (timed or model.gives_partition() or follows):
        raise ConfigError(
            f"the job '{job}' has partitions without times, and the sensor names none of them",
            at=one.at(*_PARAMS),
            hint="For files write a `partition_pattern`.",
        )


def _evaluation(one: PlannedSensor) -> Callable[..., Any]:
    """What the sensor does when Dagster asks it."""

    def evaluate(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        origin = context.code_location_origin
        events = InstanceEvents(context.instance, origin.location_name if origin else None)
        try:
            model = one.model()
            found = model.poll(context.cursor, Watch(one.site, events, one.planned.job.job_id))
        except RetriableError as e:  # the next look can do better
            return dg.SensorResult(skip_reason=str(one.located(e)))
        except OdpError as e:
            raise one.located(e) from e
        requests = _Requests(one, context.instance, model.gives_partition())
        made = [requests.request(start) for start in found.starts]
        runs = [run for run in made if run is not None]
        for line in requests.refused:
            context.log.warning(line)
        skipped = "; ".join(requests.refused) or found.skipped or "nothing new"
        return dg.SensorResult(
            run_requests=runs,
            skip_reason=None if runs else skipped,
            cursor=found.cursor,
            dynamic_partitions_requests=requests.additions(),
        )

    return evaluate


class _Requests:
    """Run requests for starts, and what goes with them: new partitions, and those refused."""

    def __init__(self, one: PlannedSensor, instance: dg.DagsterInstance, strict: bool) -> None:
        self._one, self._instance, self._strict = one, instance, strict
        self._new: list[str] = []
        self.refused: list[str] = []

    def request(self, start: Start) -> dg.RunRequest | None:
        """None if the start is for a partition that there is not."""
        partitions = self._one.planned.partitions
        key = None if partitions is None else self._partition(partitions, start)
        if partitions is not None and key is None:
            self.refused.append(f"no partition '{start.partition}' to load for {start.key}")
            return None
        trigger, job = self._one.trigger, self._one.planned.job
        values = run_config(start.values) if self._one.gives_values else {}
        config = merged(job.run_config, trigger.run_config, values)
        return dg.RunRequest(start.key, config, trigger.run_tags, partition_key=key)

    def additions(self) -> Sequence[Any]:
        """The dynamic partitions that come to be with these runs."""
        partitions = self._one.planned.partitions
        if not self._new or not isinstance(partitions, dg.DynamicPartitionsDefinition):
            return []
        return [partitions.build_add_request(list(dict.fromkeys(self._new)))]

    def _partition(self, partitions: Any, start: Start) -> str | None:
        now = datetime.now(UTC)
        with dg.partition_loading_context(
            effective_dt=now, dynamic_partitions_store=self._instance
        ):
            known = start.partition is not None and partitions.has_partition_key(start.partition)
        if known:
            return start.partition
        if self._strict and isinstance(partitions, dg.DynamicPartitionsDefinition):
            self._new.append(str(start.partition))
            return start.partition
        if not self._strict and isinstance(partitions, dg.TimeWindowPartitionsDefinition):
            return latest_complete(partitions, now)
        return None
