"""One task, run outside of Dagster, as a step runs it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from odp_dlt.resources.base import Resource
from odp_dlt.tasks.base import Context, Done, Site, tasks
from odp_dlt.tasks.params import validated
from odp_dlt.workflow.template import render_text


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.INFO)
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@dataclass
class Runner:
    """Runs tasks in the folder `root`; `log` has the lines of all of them."""

    root: Path
    resources: Mapping[str, Resource] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    @property
    def site(self) -> Site:
        return Site(self.root, self.resources)

    def context(self, selected: frozenset[str] | None = None) -> Context:
        logger = logging.Logger("test", logging.INFO)
        logger.addHandler(_Lines(self.log))
        return Context(
            "a/b",
            "run",
            self.site,
            logger,
            self.log.append,
            lambda text, file: render_text(text, self.values, file),
            selected,
        )

    def all(self, task_type: str, params: dict[str, Any]) -> list[Done]:
        task = validated(tasks.find(task_type), params, self.root)
        return list(task.run(self.context()))

    def run(self, task_type: str, **params: Any) -> Done:
        (done,) = self.all(task_type, params)
        return done
