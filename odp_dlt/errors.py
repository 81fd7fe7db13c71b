"""Every error of the package, as one tree, ordered by who must act.

An error says what went wrong, where (a file with its line, or a path into the data), and what to do
next. It never carries the value of a secret.
"""


class OdpError(Exception):
    """The root of the tree: `message`, and optionally `at` (where) and `hint` (what next)."""

    exit_code = 1

    def __init__(self, message: str, *, at: object = None, hint: str | None = None) -> None:
        self.message = message
        self.at = None if at is None else str(at)
        self.hint = hint
        super().__init__(message, self.at, hint)

    def __str__(self) -> str:
        where = f"{self.at}: " if self.at else ""
        next_step = f"\n  {self.hint}" if self.hint else ""
        return f"{where}{self.message}{next_step}"


class ConfigError(OdpError):
    """Whoever wrote the YAML, the settings or the call must act. Raised before anything is
    fetched.
    """

    exit_code = 2


class MissingSetting(ConfigError, KeyError):  # noqa: N818 - reads as what it is
    """A secret or a config value that the source asks for is in none of the places looked at.

    A KeyError too, as dlt's is: sources ask `dlt.secrets["…"]` and catch that.
    """


class SchemaFileError(ConfigError):
    """A schema file is missing, empty, or does not hold what an asset expects of it."""


class SourceError(OdpError):
    """The author of the source must act: its code raised, or yielded what cannot be loaded."""


class ContractError(OdpError):
    """The data must change, or the contract that it breaks."""


class DestinationError(OdpError):
    """Whoever runs the destination must act: it is not what it should be, or it refuses."""


class RetriableError(OdpError):
    """Nobody must act: the same run, started again, can succeed."""


class DestinationBusy(RetriableError):  # noqa: N818
    """Another process kept the destination for longer than the wait allows."""


class TimedOut(RetriableError):  # noqa: N818
    """The work took longer than its `timeout`; what was not committed is as if never begun."""


class StateMoved(RetriableError):  # noqa: N818
    """Another run committed newer state or a conflicting schema since this one began.

    Nothing of this run was written; it must extract again from where the other one ended.
    """
