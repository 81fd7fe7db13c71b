"""What Dagster raises for what it does not take."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster_shared.check import CheckError

REFUSED: tuple[type[Exception], ...] = (dg.DagsterError, CheckError, ValueError, KeyError)
"""KeyError: of an unknown time zone."""


def reason(error: Exception) -> str:
    """What the error, or the one that it comes from, says in one line."""
    first: BaseException = error
    while first.__cause__ is not None:
        first = first.__cause__
    return " ".join(str(first).removeprefix("Failure condition: ").split())


@contextmanager
def quiet_about_owners() -> Iterator[None]:
    """`owners` of schedules and sensors are beta in Dagster 1.13, which it tells at every start."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=dg.BetaWarning, message=".*owners")
        yield
