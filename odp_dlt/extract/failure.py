"""What the user's own code raised, told with the place in the user's own file."""

import sysconfig
from pathlib import Path
from types import TracebackType
from typing import Any

import odp_dlt
from odp_dlt.errors import SourceError
from odp_dlt.extract.inject import place_of

_OURS = str(Path(odp_dlt.__file__).parent)
_INSTALLED = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib"))


def failure(error: Exception, what: str, function: Any) -> SourceError:
    """A SourceError for `error`, to be raised from it; `function` is blamed if no frame can be.

    The place is the last frame in a file that is neither this package's nor an installed one: an
    HTTP client raises deep inside itself, but the line to look at is the one that called it.
    """
    at = _last_own_frame(error.__traceback__) or place_of(function)
    return SourceError(f"{what} raised {type(error).__name__}: {error}", at=at)


def _last_own_frame(trace: TracebackType | None) -> str | None:
    foreign = own = None
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith(_OURS):
            foreign = f"{file}:{trace.tb_lineno}"
            if not file.startswith(_INSTALLED):
                own = foreign
        trace = trace.tb_next
    return own or foreign
