"""`soda`: Soda's own program, which runs a file of Soda's checks.

Soda Core and Dagster cannot be installed together: they need different versions of one parser, and
with Soda's Dagster understands no asset selection. So Soda has an environment of its own.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from odp_dlt.errors import ConfigError, DestinationError
from odp_dlt.resources.base import Resource
from odp_dlt.settings import AnchoredPath

CONFIGURATION = "configuration.yml"

_QUIET = {
    "OTEL_SDK_DISABLED": "true"
}  # what Soda would send home; the environment's own value wins
_TOLD = 400


@dataclass(frozen=True)
class Scan:
    """What a file of checks came to: name → Soda's word for it (pass, warn, fail), None if it was
    not judged; and what went wrong in judging.
    """

    outcomes: Mapping[str, str | None]
    errors: tuple[str, ...] = ()

    def names(self, outcome: str | None) -> list[str]:
        """The checks with that outcome."""
        return [name for name, found in self.outcomes.items() if found == outcome]


class Soda(Resource):
    """`project_dir` holds Soda's `configuration.yml`; `checks_dir`, if the checks are in a folder
    of it, counts from there. `program` is a name on the PATH, or a path that counts from the root.
    """

    project_dir: AnchoredPath
    checks_dir: str | None = None
    program: str = "soda"
    timeout_s: float = Field(default=3600.0, gt=0)

    @property
    def configuration(self) -> Path:
        """Where Soda's data sources are described."""
        return self.project_dir / CONFIGURATION

    def file(self, check_file: str) -> Path:
        """A file of checks."""
        return self.project_dir / (self.checks_dir or "") / check_file

    def scan(self, data_source: str, check_file: str, root: Path) -> Scan:
        """Run a file of checks in the folder `root`.

        ConfigError if the program is not there, DestinationError if it tells of no result.
        """
        with tempfile.TemporaryDirectory(prefix="odp-soda-") as folder:
            results = Path(folder) / "results.json"
            command = [
                self._program(root), "scan", "-d", data_source, "-c", str(self.configuration),
                "-srf", str(results), str(self.file(check_file)),
            ]  # fmt: skip
            said = self._run(command, root)
            if not results.is_file():
                raise DestinationError(
                    f"Soda told of no result: {said[-_TOLD:].strip() or 'it said nothing'}",
                    at=self.file(check_file),
                )
            return _scan(json.loads(results.read_text(encoding="utf-8")))

    def _run(self, command: list[str], root: Path) -> str:
        try:
            done = subprocess.run(
                command,
                cwd=root,
                env={**_QUIET, **os.environ},
                capture_output=True,
                text=True,
                timeout=self.timeout_s,
                check=False,  # its code says what the checks came to
            )
        except subprocess.TimeoutExpired as e:
            raise DestinationError(
                f"Soda was not done after {self.timeout_s:g} seconds", hint="Raise `timeout_s`."
            ) from e
        return f"{done.stdout}\n{done.stderr}"

    def _program(self, root: Path) -> str:
        here = str(root / self.program) if os.sep in self.program else self.program
        found = shutil.which(here)
        if found is None:
            raise ConfigError(
                f"Soda's program '{self.program}' is not there",
                hint="Soda Core cannot be installed beside Dagster. Give it an environment of its "
                "own: python3 -m venv .soda && .soda/bin/pip install soda-core-postgres (or "
                "another), then `program: .soda/bin/soda` in the params of the resource.",
            )
        return found


def _scan(results: Mapping[str, Any]) -> Scan:
    """Soda's own account of a scan; of checks with one name the worst counts."""
    outcomes: dict[str, str | None] = {}
    for check in results.get("checks", ()):
        name, outcome = str(check["name"]), check.get("outcome")
        if _badness(outcome) >= _badness(outcomes.get(name, "pass")):
            outcomes[name] = outcome
    errors = tuple(
        " ".join(str(entry["message"]).split())[:_TOLD]
        for entry in results.get("logs", ())
        if entry.get("level") == "error"
    )
    return Scan(outcomes, errors)


def _badness(outcome: str | None) -> int:
    return {"pass": 0, "warn": 1, "fail": 2}.get(outcome or "", 3)
