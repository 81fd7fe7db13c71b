"""What runs at this moment: settings, pipeline, source and resource, and the state that is theirs.

The user's code asks for it while its generator is being advanced; see `pages`.
"""

import os
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from odp_dlt.errors import SourceError
from odp_dlt.extract.window import Window
from odp_dlt.settings import Memory, Settings
from odp_dlt.settings.convert import convert


@dataclass(frozen=True)
class Running:
    """`state` is the pipeline's whole state, dlt's layout; user code changes it in place.

    `window` is the one that the run is for, if it is for one.
    """

    settings: Settings
    pipeline_name: str | None = None
    state: dict[str, Any] = field(default_factory=dict)
    source_name: str | None = None
    section: str | None = None
    resource_name: str | None = None
    source: Any = field(default=None, repr=False)
    window: Window | None = None


_assigned: ContextVar[Memory | None] = ContextVar("odp_dlt_assigned", default=None)
_active: ContextVar[Any] = ContextVar("odp_dlt_active", default=None)
_running: ContextVar[Running | None] = ContextVar("odp_dlt_running", default=None)


@dataclass
class running:  # noqa: N801 - reads as the verb; a generator takes twice the time, on every yield
    """`now` is what the functions below speak of, inside the `with`."""

    now: Running

    def __enter__(self) -> Running:
        """`now`."""
        self._token = _running.set(self.now)
        return self.now

    def __exit__(self, *_error: object) -> None:
        """What ran before runs again."""
        _running.reset(self._token)


def now() -> Running | None:
    """What runs, or None outside of a run."""
    return _running.get()


def settings() -> Settings:
    """The run's settings; outside of a run those of a plain script.

    These are dlt's: of the working directory (or DLT_PROJECT_DIR), then of the home directory, and
    what the script has assigned.
    """
    present = now()
    if present is not None:
        return present.settings
    memory = _assigned.get()
    if memory is None:
        memory = Memory()
        _assigned.set(memory)
    folder = Path(os.environ.get("DLT_PROJECT_DIR", Path.cwd()))
    return Settings((folder, Path.home()), os.environ, memory)


def pipeline_name() -> str | None:
    """The name of the pipeline that runs, if one does."""
    present = now()
    return None if present is None else present.pipeline_name


def source_name() -> str | None:
    """The name of the source that is being extracted, if one is."""
    present = now()
    return None if present is None else present.source_name


def window() -> Window | None:
    """The window that the run is for, if it is for one."""
    present = now()
    return None if present is None else present.window


def section() -> str | None:
    """The section under which the running source's settings stand, if one runs."""
    present = now()
    return None if present is None else present.section


def resource_name() -> str:
    """The name of the resource that is being extracted. SourceError outside of one."""
    present = now()
    if present is None or present.resource_name is None:
        raise _outside("resource_name")
    return present.resource_name


def source_state() -> dict[str, Any]:
    """The running source's own part of the state, to be read and changed in place."""
    present = now()
    if present is None or present.source_name is None:
        raise _outside("source_state")
    sources: dict[str, Any] = present.state.setdefault("sources", {})
    state: dict[str, Any] = sources.setdefault(present.source_name, {})
    return state


def resource_state(name: str | None = None) -> dict[str, Any]:
    """The running resource's own part of the state, or that of the resource `name` beside it."""
    resources: dict[str, Any] = source_state().setdefault("resources", {})
    state: dict[str, Any] = resources.setdefault(name or resource_name(), {})
    return state


def source() -> Any:
    """The source that is being extracted. SourceError outside of one."""
    present = now()
    if present is None or present.source is None:
        raise _outside("source")
    return present.source


def resource() -> Any:
    """The resource that is being extracted. SourceError outside of one."""
    found = source().resources.get(resource_name())
    if found is None:
        raise _outside("resource")
    return found


def activate(pipeline: Any) -> None:
    """Make `pipeline` the one that `pipeline()` gives in this context."""
    _active.set(pipeline)


def pipeline() -> Any:
    """The pipeline that the script made last. SourceError if it made none."""
    found = _active.get()
    if found is None:
        raise SourceError(
            "dlt.current.pipeline() was called before there was a pipeline",
            hint="Make one first: dlt.pipeline(…).",
        )
    return found


def interval() -> tuple[datetime, datetime] | None:
    """Begin and end of the run's window, or of what a scheduler asks for, if either is there.

    A scheduler sets DLT_INTERVAL_START and DLT_INTERVAL_END, both.
    """
    own = window()
    if own is not None:
        return own.start, own.end
    environ = settings().environ
    said = [environ.get(f"DLT_INTERVAL_{which}") for which in ("START", "END")]
    begin, end = (None if text is None else convert(text, datetime) for text in said)
    return None if begin is None or end is None else (begin, end)


def _outside(asked: str) -> SourceError:
    return SourceError(
        f"dlt.current.{asked}() was called while no resource was being extracted",
        hint="Call it inside the resource's generator function.",
    )
