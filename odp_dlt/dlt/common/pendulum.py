"""The library pendulum, but its moments of now are in UTC wherever the process runs, as in dlt."""

import sys
from functools import partial
from typing import Any

from odp_dlt.extract.moments import pendulum as _library

_all = _library()

now = partial(_all.now, "UTC")
today = partial(_all.today, "UTC")
tomorrow = partial(_all.tomorrow, "UTC")
yesterday = partial(_all.yesterday, "UTC")
utcnow = now


def __getattr__(name: str) -> Any:
    """Everything else is the library's own."""
    return getattr(_all, name)


pendulum = sys.modules[__name__]
"""For `from dlt.common.pendulum import pendulum`."""
