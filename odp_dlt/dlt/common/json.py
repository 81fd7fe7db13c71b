"""JSON as dlt writes it: compact, with dates, decimals, bytes and UUIDs as text."""

import sys

from odp_dlt.extract.json_text import dump, dumpb, dumps, load, loadb, loads

__path__: list[str] = []  # so that a name which is not here is told by the finder

json = sys.modules[__name__]
"""For `from dlt.common.json import json`."""

__all__ = ["dump", "dumpb", "dumps", "json", "load", "loadb", "loads"]
