"""The project that a command works on."""

from dataclasses import dataclass
from pathlib import Path

from odp_dlt.errors import ConfigError


@dataclass(frozen=True)
class Project:
    """What the options before the command's name say."""

    config_dir: Path
    verbose: bool = False

    def found(self) -> Path:
        """The configuration folder, as an absolute path. ConfigError if there is none."""
        if not self.config_dir.is_dir():
            what = "is a file, not a folder" if self.config_dir.exists() else "does not exist"
            raise ConfigError(
                f"the configuration folder '{self.config_dir}' {what}",
                hint="Name one with --config-dir, or start a new project: odp init DIR",
            )
        return self.config_dir.resolve()

    @property
    def root(self) -> Path:
        """The folder that holds the configuration folder: relative paths count from it."""
        return self.found().parent
