"""`{{sensor.…}}` in params: what a sensor has found, on its way through a run's config.

It is the config of a resource, `sensor_context`, as dagster-odp has it: so a run shows what it was
given, and one that is launched by hand can be given the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg

from odp_dlt.definitions.jobs import PlannedJob, merged
from odp_dlt.definitions.plan import Plan, PlannedAsset
from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest
from odp_dlt.sensors.base import Sensor
from odp_dlt.workflow.automation import SensorTrigger
from odp_dlt.workflow.models import Workflow
from odp_dlt.workflow.template import places_of_names

RESOURCE = "sensor_context"
_FIELD = "sensor_context_config"


class SensorContext(dg.ConfigurableResource[Any]):
    """What the sensor that started a run has found."""

    sensor_context_config: dict[str, Any | None] = {}  # noqa: RUF012 - of a pydantic model


def run_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """The run config that hands `values` to templates."""
    return {"resources": {RESOURCE: {"config": {_FIELD: dict(values)}}}}


def sensor_resources(plan: Plan) -> dict[str, Any]:
    """The resource, if a template of the project needs it."""
    if not any(map(names_used, plan.assets)):
        return {}
    _must_be_free(plan.workflow)
    return {RESOURCE: SensorContext()}


def needed_resources(planned: PlannedAsset) -> set[str]:
    """Those resources of this module that the asset's run needs."""
    return {RESOURCE} if names_used(planned) else set()


def names_used(planned: PlannedAsset) -> dict[str, tuple[str | int, ...]]:
    """The values that the asset's params name, and the first place where each is named."""
    found: dict[str, tuple[str | int, ...]] = {}
    for path, name in places_of_names(planned.asset.params):
        group, _, rest = name.partition(".")
        if group == "sensor":
            found.setdefault(rest, path)
    return found


def sensor_values(context: dg.AssetExecutionContext, planned: PlannedAsset) -> dict[str, Any]:
    """The values of this run. ConfigError that says what to add if it lacks one."""
    used = names_used(planned)
    if not used:
        return {}
    given: dict[str, Any] = getattr(context.resources, RESOURCE).sensor_context_config
    missing = sorted(used.keys() - given.keys())
    if missing:
        lacking = ", ".join(f"'sensor.{name}'" for name in missing)
        inner = ", ".join(f"{name}: …" for name in sorted(used))
        raise ConfigError(
            f"no sensor has started this run, and its config has no value for {lacking}",
            at=planned.at(used[missing[0]]),
            hint="Launch it with the run config "
            f"resources: {{{RESOURCE}: {{config: {{{_FIELD}: {{{inner}}}}}}}}}",
        )
    return given


def value_problems(
    plan: Plan, jobs: Iterable[PlannedJob], sensors: Mapping[str, Sensor]
) -> Iterator[ConfigError]:
    """A problem for each name that a run of some job would have no value for.

    `sensors` are by trigger_id.
    """
    found = list(jobs)
    for planned in plan.assets:
        used = names_used(planned)
        made = {one.key for one in planned.makes}
        mine = [job for job in found if made & job.assets] if used else []
        started = any(isinstance(t, SensorTrigger) for job in mine for t in job.job.triggers)
        if used and planned.asset.automation is not None:
            yield ConfigError(
                f"the asset cannot have `automation`: then no sensor gives 'sensor.{min(used)}'",
                at=planned.asset.origin.at("automation"),
                hint="Let a sensor start a job that selects it.",
            )
        for name, path in used.items():
            if not started:
                yield ConfigError(
                    f"'sensor.{name}' in a template, but no sensor starts a job with the asset",
                    at=planned.at(path),
                    hint="Give a job that selects it a trigger with `trigger_type: sensor`.",
                )
                continue
            for job in mine:
                yield from _lacking(planned, name, job, sensors)


def _lacking(
    planned: PlannedAsset, name: str, job: PlannedJob, sensors: Mapping[str, Sensor]
) -> Iterator[ConfigError]:
    """The triggers of `job` that do not bring the value `name`."""
    at = planned.at(names_used(planned)[name])
    for index, trigger in enumerate(job.job.triggers):
        config = merged(job.job.run_config, trigger.run_config)
        if name in _given(config):
            continue
        if not isinstance(trigger, SensorTrigger):
            yield ConfigError(
                f"the schedule '{trigger.trigger_id}' gives no value for 'sensor.{name}' at {at}",
                at=job.at(index, "trigger_id"),
                hint="Give it one in its `run_config`: "
                f"resources: {{{RESOURCE}: {{config: {{{_FIELD}: {{{name}: …}}}}}}}}",
            )
        elif name not in (known := sensors[trigger.trigger_id].value_names()):
            message = f"the sensor '{trigger.trigger_id}' gives no value for 'sensor.{name}'"
            yield ConfigError(message, at=at, hint=nearest(name, known))


def _given(config: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = config
    for key in ("resources", RESOURCE, "config", _FIELD):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _must_be_free(workflow: Workflow) -> None:
    for config in workflow.resources:
        if config.key == RESOURCE:
            raise ConfigError(
                f"a resource cannot be named '{RESOURCE}': the values of sensors are",
                at=config.origin.at("name"),
                hint="Give it another `name`.",
            )
