"""Ways to watch a run: `dlt.pipeline(progress=dlt.progress.log())`, or "log" for short."""

from odp_dlt.pipeline.script import log_progress as log

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["log"]
