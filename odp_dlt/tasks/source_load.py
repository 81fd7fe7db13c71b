"""One resource of a source on its way through a pipeline."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from odp_dlt.errors import ConfigError
from odp_dlt.extract.current import Running, running
from odp_dlt.extract.source import Source
from odp_dlt.extract.window import Window
from odp_dlt.pipeline.info import LoadInfo
from odp_dlt.pipeline.pipeline import Pipeline
from odp_dlt.registry import nearest
from odp_dlt.settings import exported
from odp_dlt.tasks.run_params import RunParams
from odp_dlt.tasks.source_module import SourceCode

R = TypeVar("R")


@dataclass(frozen=True)
class SourceLoad:
    """One resource of a source, and the pipeline that it goes through."""

    source_params: Mapping[str, Any]
    how: RunParams
    code: SourceCode
    resource: str
    pipeline: Pipeline
    window: Window | None = None
    part: str | None = None

    def run(self, source: Source) -> LoadInfo:
        how = self.how
        return self.pipeline.run(
            source,
            write_disposition=how.write_disposition,
            allow_empty=how.allow_empty,
            refresh=how.refresh,
            limit=how.limit,
            window=self.window,
            part=self.part,
        )

    def with_source(self, use: Callable[[Source], R]) -> R:
        """`use` of a fresh source, while the project's settings and secrets are at hand."""
        settings = self.pipeline.settings
        with (
            exported(settings, os.environ),
            running(Running(settings, pipeline_name=self.pipeline.name)),
        ):
            source = self.code.factory()(**self.source_params)
            if self.resource not in source.resources:
                raise ConfigError(
                    f"the source '{source.name}' has no resource '{self.resource}', "
                    "which is the last part of the asset key",
                    at=self.code.file,
                    hint=nearest(self.resource, source.resources),
                )
            return use(source.with_resources(self.resource))
