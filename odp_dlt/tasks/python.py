"""`task_type: python`: a function of the user's own."""

import inspect
import os
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.extract.current import Running, running
from odp_dlt.extract.failure import user_code as blamed
from odp_dlt.resources.dlt import DltProject
from odp_dlt.settings import Settings, exported
from odp_dlt.tasks.base import Context, Done, Planned, Scalar, Site, Task
from odp_dlt.tasks.function_code import CONTEXT, FunctionCode, locate_function
from odp_dlt.tasks.params import ParamError, holds_template


class Python(Task):
    """`function` is `module.function`, under `project_dir` of the resource `dlt`, or installed.

    It gets `kwargs`, and if it has an argument `context`, the `Context` of the run. A mapping that
    it returns becomes the asset's metadata.
    """

    uses: ClassVar[frozenset[str]] = frozenset({"dlt"})

    function: str
    kwargs: dict[str, Any] = Field(default_factory=dict)

    def assets(self, asset_key: str, site: Site) -> list[Planned]:
        """The one asset, and where its function is. Reads the module's text, and imports it not."""
        if holds_template(self.function):
            raise ParamError("'function' cannot be a template of the run", ("function",))
        code = self._code(site)
        if wrong := code.misfit(self.kwargs):
            name, what = wrong
            raise ParamError(what, ("kwargs", name) if name in self.kwargs else ("kwargs",))
        line = code.node.lineno if code.node else 1
        return [Planned(asset_key, kinds=frozenset({"python"}), file=code.file, line=line)]

    def run(self, context: Context) -> Iterator[Done]:
        """Call it, with the project's secrets at hand. SourceError for whatever it raises."""
        code = self._code(context.site)
        settings = _settings(context.site, code)
        with exported(settings, os.environ), running(Running(settings)):
            with blamed(lambda: f"the function '{self.function}'", None):
                function = code.load()
                arguments = dict(self.kwargs)
                if CONTEXT not in arguments and _takes_context(function):
                    arguments[CONTEXT] = context
                returned = function(**arguments)
            yield Done(context.asset_key, _metadata(returned, self.function))

    def _code(self, site: Site) -> FunctionCode:
        try:
            return locate_function(_project_dir(site), self.function)
        except ConfigError as e:
            if e.at is None:
                raise ParamError(e.message, ("function",), hint=e.hint) from e
            raise


def _project_dir(site: Site) -> Path | None:
    project = site.resources.get("dlt")
    return project.project_dir if isinstance(project, DltProject) else None


def _settings(site: Site, code: FunctionCode) -> Settings:
    project_dir = _project_dir(site)
    if project_dir is None:
        return Settings((), os.environ)
    settings = Settings.from_folder(project_dir)
    own = code.project_dir is not None and code.file is not None
    return settings.with_folder(code.file.parent) if own and code.file else settings


def _takes_context(function: Any) -> bool:
    try:
        return CONTEXT in inspect.signature(function).parameters
    except (TypeError, ValueError):  # of some that are not written in Python
        return False


def _metadata(returned: object, function: str) -> dict[str, Scalar]:
    if returned is None:
        return {}
    if not isinstance(returned, Mapping):
        raise SourceError(
            f"the function '{function}' returned a {type(returned).__name__}",
            hint="It returns a mapping of metadata, or nothing.",
        )
    return {str(key): _scalar(key, value, function) for key, value in returned.items()}


def _scalar(key: object, value: object, function: str) -> Scalar:
    if value is None or isinstance(value, str | int | float | bool | datetime):
        return value
    if isinstance(value, date | Decimal | Path):
        return str(value)
    raise SourceError(
        f"the function '{function}' returned a {type(value).__name__} as '{key}'",
        hint="Metadata is text, numbers, truth values, dates and times.",
    )
