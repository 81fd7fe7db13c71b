"""`dlt.pipeline` and `dlt.run`: a pipeline for a plain script, with dlt's defaults."""

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict, Unpack

from odp_dlt.destinations.base import Destination, destinations
from odp_dlt.errors import ConfigError
from odp_dlt.extract import current
from odp_dlt.pipeline.info import LoadInfo
from odp_dlt.pipeline.pipeline import Pipeline, silent
from odp_dlt.pipeline.refresh import checked_mode
from odp_dlt.registry import nearest
from odp_dlt.settings import Settings


class PipelineOptions(TypedDict, total=False):
    """dlt's further keywords of a pipeline.

    `pipelines_dir` is where a run keeps what it has extracted until it is loaded. With `dev_mode`
    the dataset is a new one each time; `refresh` is that of every run. In `import_schema_path` are
    the schema files that a person edits, in `export_schema_path` those that each run writes.
    `progress` is "log", or a function that takes a line.
    """

    pipelines_dir: str | Path | None
    import_schema_path: str | Path | None
    export_schema_path: str | Path | None
    dev_mode: bool
    refresh: str | None
    progress: str | Callable[[str], None] | None
    pipeline_salt: Any


def pipeline(
    pipeline_name: str | None = None,
    *,
    destination: str | Destination | None = None,
    dataset_name: str | None = None,
    **options: Unpack[PipelineOptions],
) -> Pipeline:
    """A pipeline named `pipeline_name`, or after the script; its dataset is `<name>_dataset`.

    What is not given is looked up in the settings: DESTINATION_TYPE, `[pipelines.<name>]`.
    """
    for option in options:
        if option not in PipelineOptions.__annotations__:
            known = {*PipelineOptions.__annotations__, "destination", "dataset_name"}
            raise ConfigError(
                f"dlt.pipeline({option}=…) is not supported", hint=nearest(option, known)
            )
    settings = current.settings()
    name = pipeline_name or f"dlt_{Path(sys.argv[0]).stem or 'script'}"
    if set(name) & set("/:."):
        raise ConfigError(f"'{name}' cannot be the name of a pipeline", hint="Leave out / : and .")
    dataset = dataset_name or _setting(settings, name, "dataset_name") or f"{name}_dataset"
    if options.get("dev_mode"):
        dataset += datetime.now(UTC).strftime("_%Y%m%d%H%M%S")
    work_dir, export, imported = (
        None if path is None else Path(path)
        for path in (
            options.get("pipelines_dir"),
            options.get("export_schema_path"),
            options.get("import_schema_path"),
        )
    )
    made = Pipeline(
        name,
        _destination(destination or _setting(settings, name, "destination_type")).bound(name),
        dataset,
        settings,
        work_dir=work_dir,
        import_schema_path=imported,
        export_schema_path=export,
        progress=_progress(options.get("progress")),
        refresh=checked_mode(options.get("refresh")),
    )
    current.activate(made)
    return made


def attach(
    pipeline_name: str,
    *,
    destination: str | Destination | None = None,
    dataset_name: str | None = None,
    **options: Unpack[PipelineOptions],
) -> Pipeline:
    """The pipeline as it was made before; what it knows is in the destination, so say that too."""
    return pipeline(pipeline_name, destination=destination, dataset_name=dataset_name, **options)


def log_progress() -> Callable[[str], None]:
    """Progress as lines of the log."""
    logger = logging.getLogger("odp_dlt.progress")
    return logger.warning  # the level that dlt's scripts show without being told to


def _progress(said: str | Callable[[str], None] | None) -> Callable[[str], None]:
    if said is None:
        return silent
    if callable(said):
        return said
    if said == "log":
        return log_progress()
    raise ConfigError(f"there is no progress '{said}'", hint="Say progress='log', or a function.")


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
