"""`soda_checks` of the workflow files → Dagster's asset checks, each a step of its own."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath

import dagster as dg

from odp_dlt.definitions.attributes import asset_key
from odp_dlt.definitions.plan import Plan, defined_keys, located, site_of
from odp_dlt.errors import ConfigError, OdpError
from odp_dlt.registry import nearest
from odp_dlt.resources.soda import Scan, Soda
from odp_dlt.tasks.base import Site
from odp_dlt.workflow.load import together
from odp_dlt.workflow.models import SodaCheck, Workflow

KIND = "soda"


def soda_definitions(
    plan: Plan, assets: Sequence[dg.AssetsDefinition | dg.AssetSpec]
) -> list[dg.AssetChecksDefinition]:
    """A check for each file; its name is the file's. ConfigError that lists all that is wrong.

    `assets` are those of the plan, with the checks that they have already.
    """
    site = site_of(plan.workflow, [])
    taken = {
        key: "in its `checks`"
        for one in assets
        if isinstance(one, dg.AssetsDefinition)
        for key in one.check_keys
    }
    found: list[dg.AssetChecksDefinition] = []
    problems: list[ConfigError] = []
    for written in plan.workflow.soda_checks:
        name = PurePath(written.check_file_path).stem
        try:
            key = _resource_key(plan.workflow, written)
            _must_be_there(written, plan, site, key)
            own = dg.AssetCheckKey(asset_key(written.asset_key), name)
            if own in taken:
                raise ConfigError(
                    f"'{written.asset_key}' has two checks '{name}'; the first is {taken[own]}",
                    at=written.origin.at("check_file_path"),
                    hint="A check is named after its file: rename one.",
                )
            taken[own] = f"at {written.origin.at('check_file_path')}"
            found.append(_definition(written, name, key, site))
        except ConfigError as e:
            problems.append(e)
    if problems:
        raise together(problems)
    return found


def _definition(written: SodaCheck, name: str, key: str, site: Site) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=asset_key(written.asset_key),
        name=name,
        description=written.description,
        blocking=written.blocking,
        required_resource_keys={key},
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        soda = getattr(context.resources, key)
        assert isinstance(soda, Soda)
        try:
            return _result(soda.scan(written.data_source, written.check_file_path, site.root))
        except OdpError as e:
            said = located(e, written)
            raise dg.Failure(
                description=str(said),
                metadata={"error": type(e).__name__, "exit_code": said.exit_code},
                allow_retries=False,
            ) from e

    return check


def _result(scan: Scan) -> dg.AssetCheckResult:
    """What was not judged, or failed, is an error; a warning passes no check but stops nothing."""
    failed, warned, unjudged = (scan.names(outcome) for outcome in ("fail", "warn", None))
    nothing = not scan.outcomes
    said = list(_said(failed, warned, unjudged, scan))
    is_error = bool(failed or unjudged or scan.errors or nothing)
    return dg.AssetCheckResult(
        passed=not (is_error or warned),
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        description="; ".join(said) or f"all {len(scan.outcomes)} passed",
        metadata={
            "checks": len(scan.outcomes),
            "outcomes": {name: outcome or "not judged" for name, outcome in scan.outcomes.items()},
        },
    )


def _said(failed: list[str], warned: list[str], unjudged: list[str], scan: Scan) -> Iterator[str]:
    for word, names in (("failed", failed), ("not judged", unjudged), ("warned", warned)):
        if names:
            yield f"{word}: {', '.join(names)}"
    yield from scan.errors
    if not (scan.outcomes or scan.errors):
        yield "Soda found no check in the file"


def _resource_key(workflow: Workflow, written: SodaCheck) -> str:
    """The name of the project's resource of the kind; one named after it wins over others."""
    keys = [one.key for one in workflow.resources if one.resource_kind == KIND]
    if not keys:
        raise ConfigError(
            f"no resource of kind '{KIND}' is configured, and a Soda check needs it",
            at=written.origin.at(),
            hint=f"Add {{resource_kind: {KIND}, params: …}} to dagster_config.yaml.",
        )
    if len(keys) > 1 and KIND not in keys:
        raise ConfigError(
            f"there are {len(keys)} resources of the kind '{KIND}'",
            at=written.origin.at(),
            hint=f"Soda checks use the one whose name is '{KIND}': leave out one `name`.",
        )
    return KIND if KIND in keys else keys[0]


def _must_be_there(written: SodaCheck, plan: Plan, site: Site, key: str) -> None:
    known = list(defined_keys(plan.assets))
    if written.asset_key not in known:
        raise ConfigError(
            f"no asset has the key '{written.asset_key}'",
            at=written.origin.at("asset_key"),
            hint=nearest(written.asset_key, known),
        )
    soda = site.resources[key]
    assert isinstance(soda, Soda)
    for file, what in (
        (soda.configuration, "Soda's configuration"),
        (soda.file(written.check_file_path), "the file of checks"),
    ):
        if not file.is_file():
            raise ConfigError(
                f"{what} is not there: {file}", at=written.origin.at("check_file_path")
            )
