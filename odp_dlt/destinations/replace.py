"""Replace: what was there goes, in the transaction in which the new rows come."""

from collections.abc import Sequence

from odp_dlt.destinations.statements import Target


def replace(family: Sequence[Target]) -> list[str]:
    """Empty every table of `family`, deepest first. DELETE, which readers beside it do not see."""
    return [f"DELETE FROM {target.name}" for target in reversed(family)]
