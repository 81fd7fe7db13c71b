"""Jobs, what starts them, and what Dagster materializes by itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from odp_dlt.definitions.jobs import Asset, PlannedJob, keys_of, merged, planned_jobs
from odp_dlt.definitions.plan import Plan, site_of
from odp_dlt.definitions.refused import REFUSED, quiet_about_owners, reason
from odp_dlt.definitions.schedules import schedule
from odp_dlt.definitions.sensor_values import names_used, value_problems
from odp_dlt.definitions.sensors import PlannedSensor, checked, definition, planned_sensor
from odp_dlt.errors import ConfigError
from odp_dlt.sensors.base import Sensor
from odp_dlt.workflow.automation import ScheduleTrigger
from odp_dlt.workflow.load import together

AUTOMATION = "odp_automation"
"""The usual name of the sensor that evaluates `automation` of the assets."""


@dataclass(frozen=True)
class Automation:
    """All that starts runs, in the shape that `dg.Definitions` takes."""

    jobs: tuple[PlannedJob, ...]
    schedules: tuple[dg.ScheduleDefinition, ...]
    sensors: tuple[dg.SensorDefinition, ...]

    def check(self, defs: dg.Definitions) -> None:
        """ConfigError for run configs that Dagster does not take."""
        problems = [problem for job in self.jobs for problem in _refused(defs, job)]
        if problems:
            raise together(problems)


def automation(
    plan: Plan, assets: Sequence[Asset], resources: Mapping[str, Any], name: str = AUTOMATION
) -> Automation:
    """Everything under `jobs`, and a sensor `name` for the assets with `automation`.

    ConfigError that lists what is wrong.
    """
    jobs = planned_jobs(plan.workflow, assets, resources)
    problems: list[ConfigError] = []
    schedules: list[dg.ScheduleDefinition] = []
    watching: list[PlannedSensor] = []
    site = site_of(plan.workflow, [])
    for job in jobs:
        needs = any(names_used(p) and _makes_of(p, job) for p in plan.assets)
        for index, trigger in enumerate(job.job.triggers):
            try:
                if isinstance(trigger, ScheduleTrigger):
                    schedules.append(schedule(job, index, trigger))
                else:
                    watching.append(planned_sensor(job, index, trigger, site, needs))
            except ConfigError as e:
                problems.append(e)
    models, wrong = _models(watching, assets, jobs)
    problems += wrong
    if not problems:
        problems += value_problems(plan, jobs, models)
    sensors = [] if problems else [definition(one) for one in watching]
    if problems:
        raise together(problems)
    return Automation(tuple(jobs), tuple(schedules), (*sensors, *_declared(assets, name)))


def _makes_of(planned: Any, job: PlannedJob) -> bool:
    return any(made.key in job.assets for made in planned.makes)


def _models(
    watching: Sequence[PlannedSensor], assets: Sequence[Asset], jobs: Sequence[PlannedJob]
) -> tuple[Mapping[str, Sensor], list[ConfigError]]:
    """The sensors by trigger_id, as far as they are known before their environment is."""
    keys = {key.to_user_string() for one in assets for key in keys_of(one)}
    names = {job.job.job_id for job in jobs}
    models: dict[str, Sensor] = {}
    problems: list[ConfigError] = []
    for one in watching:
        try:
            model = checked(one, keys, names)
            models[one.trigger.trigger_id] = model or one.kind.model_construct()
        except ConfigError as e:
            problems.append(e)
    return models, problems


def _declared(assets: Sequence[Asset], name: str) -> Iterator[dg.SensorDefinition]:
    """The sensor that evaluates conditions, running: Dagster's own one would be stopped."""
    asked = [
        spec.key
        for one in assets
        if isinstance(one, dg.AssetsDefinition)
        for spec in one.specs
        if spec.automation_condition is not None
    ]
    if asked:
        yield dg.AutomationConditionSensorDefinition(
            name,
            target=dg.AssetSelection.assets(*asked),
            default_status=dg.DefaultSensorStatus.RUNNING,
            description="Materializes the assets that have `automation` in the workflow files.",
        )


def _refused(defs: dg.Definitions, planned: PlannedJob) -> Iterator[ConfigError]:
    """What Dagster says of a job's tags, and of the run config of each trigger."""
    job = planned.job
    configs = {("run_config",): job.run_config} if job.run_config else {}
    for index, trigger in enumerate(job.triggers):
        if trigger.run_config:
            path: Any = ("triggers", index, "run_config")
            configs[path] = merged(job.run_config, trigger.run_config)
    if not (configs or job.owners):
        return
    try:
        with quiet_about_owners():
            resolved = defs.resolve_job_def(job.job_id)
    except REFUSED as e:
        message = f"the job '{job.job_id}' is not possible: {reason(e)}"
        yield ConfigError(message, at=job.origin.at())
        return
    for path, config in configs.items():
        try:
            dg.validate_run_config(resolved, config)
        except dg.DagsterInvalidConfigError as e:
            said = "; ".join(" ".join(one.message.split()) for one in e.errors)
            said = said.partition(" Expected: {")[0]  # after that, all that Dagster knows
            message = f"the run_config does not fit the job '{job.job_id}': {said}"
            yield ConfigError(message, at=job.origin.at(*path))
