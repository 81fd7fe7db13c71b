"""`dlt.pipeline` and `dlt.run`: a pipeline for a plain script, with dlt's defaults."""

import sys
from pathlib import Path
from typing import Any

from odp_dlt.destinations.base import Destination, destinations
from odp_dlt.errors import ConfigError
from odp_dlt.extract import current
from odp_dlt.pipeline.info import LoadInfo
from odp_dlt.pipeline.pipeline import Pipeline
from odp_dlt.settings import Settings


def pipeline(
    pipeline_name: str | None = None,
    *,
    destination: str | Destination | None = None,
    dataset_name: str | None = None,
    pipelines_dir: str | Path | None = None,
    export_schema_path: str | Path | None = None,
) -> Pipeline:
    """A pipeline named `pipeline_name`, or after the script; its dataset is `<name>_dataset`.

    What is not given is looked up in the settings: DESTINATION_TYPE, `[pipelines.<name>]`.
    `pipelines_dir` is where a run keeps what it has extracted until it is loaded.
    """
    settings = current.settings()
    name = pipeline_name or f"dlt_{Path(sys.argv[0]).stem or 'script'}"
    if set(name) & set("/:."):
        raise ConfigError(f"'{name}' cannot be the name of a pipeline", hint="Leave out / : and .")
    dataset = dataset_name or _setting(settings, name, "dataset_name") or f"{name}_dataset"
    return Pipeline(
        name,
        _destination(destination or _setting(settings, name, "destination_type")).bound(name),
        dataset,
        settings,
        work_dir=Path(pipelines_dir) if pipelines_dir else None,
        export_schema_path=Path(export_schema_path) if export_schema_path else None,
    )


def run(
    data: Any,
    *,
    pipeline_name: str | None = None,
    destination: str | Destination | None = None,
    dataset_name: str | None = None,
    **hints: Any,
) -> LoadInfo:
    """Load `data` with a pipeline made for it: `pipeline(…).run(data, …)` in one call."""
    made = pipeline(pipeline_name, destination=destination, dataset_name=dataset_name)
    return made.run(data, **hints)


def _destination(given: str | Destination | None) -> Destination:
    if isinstance(given, Destination):
        return given
    if given is None:
        raise ConfigError(
            "the pipeline has no destination",
            hint="Say one: dlt.pipeline(…, destination='duckdb').",
        )
    return destinations.find(given.rpartition("dlt.destinations.")[2])()


def _setting(settings: Settings, pipeline_name: str, key: str) -> str | None:
    found: str | None = settings.resolve(
        key,
        sections=("pipelines", pipeline_name),
        hint=str,
        secret=False,
        pipeline=pipeline_name,
        default=None,
    )
    return found
