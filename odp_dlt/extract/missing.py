"""A library that a source needs and that is not installed."""

from collections.abc import Sequence

from odp_dlt.errors import ConfigError


class MissingDependencyException(ConfigError):  # noqa: N818 - dlt's name, which sources raise
    """Raised by sources for a library that their project's requirements lack."""

    def __init__(self, caller: str, dependencies: Sequence[str], appendix: str = "") -> None:
        names = ", ".join(dependencies)
        super().__init__(
            f"{caller} needs {names}, which is not installed",
            hint=f"Add to the project's requirements: {names}. {appendix}".strip(),
        )
