"""What the user's own code raised, told with the place in the user's own file."""

import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import odp_dlt
from odp_dlt.errors import OdpError, SourceError
from odp_dlt.extract import current
from odp_dlt.extract.inject import place_of

_OURS = str(Path(odp_dlt.__file__).parent)
_INSTALLED = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib"))


@contextmanager
def user_code(what: Callable[[], str], function: Any) -> Iterator[None]:
    """What the user's code raises inside is a SourceError that begins with what `what` says.

    Its place is the last frame in a file that is neither this package's nor an installed one: an
    HTTP client raises deep inside itself, but the line to look at is the one that called it. If no
    frame can be blamed, `function` is. A secret in the message is struck out; the original is then
    not chained, since its own message would be shown with it.
    """
    try:
        yield
    except OdpError:
        raise
    except Exception as e:  # noqa: BLE001 - whatever the user's code raises
        said = f"{what()} raised {type(e).__name__}: {e}"
        shown = current.settings().without_secrets(said)
        at = _last_own_frame(e.__traceback__) or place_of(function)
        raise SourceError(shown, at=at) from (e if shown == said else None)


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
