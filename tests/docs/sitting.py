"""A folder in which the commands of a page are tried, one after the other."""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

from odp_dlt.cli.init import TEMPLATE
from tests.docs.pages import ROOT, Block, Page

PATIENCE_S = 240

# The one place that says which commands of a page are stood in for: a new virtual environment is
# the present one, packages are there already, the tests are not run inside a test, and `dagster
# dev` is asked for an answer and stopped.
STAND_INS = {
    "python3": 'if [ "$1 $2" = "-m venv" ]; then mkdir -p "$3" && cp -r {bin} "$3/bin"; exit; fi\n'
    'exec {python} "$@"',
    "python": 'if [ "$1 $2" = "-m pytest" ]; then exit; fi\nexec {python} "$@"',
    "pip": "exit",
    "odp": 'exec {python} -m odp_dlt.cli.main "$@"',
    "dagster": 'if [ "$1" = dev ]; then exec {python} {checker}; fi\nexec {scripts}/dagster "$@"',
    "dg": 'DG_CLI_CONFIG=/dev/null exec {scripts}/dg "$@"',
}


@dataclass
class Sitting:
    """Where a page's reader is, and what the last command printed."""

    home: Path
    cwd: Path
    printed: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, page: Page, folder: Path) -> "Sitting":
        """A new sitting in `folder`, which holds what the page says that its reader has."""
        home, bin_ = folder / "home", folder / "bin"
        home.mkdir()
        _stand_ins(bin_)
        if page.place == "project":
            new_project(home)
        elif page.place == "clone":
            _clone(home)
        kept = {k: v for k, v in os.environ.items() if k not in ("DAGSTER_HOME", "ODP_CONFIG_PATH")}
        path = f"{bin_}{os.pathsep}{os.environ['PATH']}"
        return cls(home, home, "", {**kept, "PATH": path, "PYTHONPATH": str(ROOT)})

    def take(self, block: Block) -> None:
        """Do what `block` says; AssertionError if that is not what happens."""
        if block.path is not None:
            file = self.cwd / block.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        elif block.language == "bash":
            self._run(block.text)
        elif block.language == "python":
            (self.cwd / "page.py").write_text(block.text)
            self._run(f"{shlex.quote(sys.executable)} page.py")

    def _run(self, commands: str) -> None:
        after = self.home.parent / "cwd"
        script = f"set -euo pipefail\n{commands}\npwd > {shlex.quote(str(after))}\n"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.cwd,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        self.printed = done.stdout + done.stderr
        assert done.returncode == 0, f"{commands}\n{self.printed}"
        self.cwd = Path(after.read_text().strip())


def new_project(folder: Path) -> None:
    """What `odp init` writes, in `folder`."""
    for source in TEMPLATE.rglob("*"):
        if source.is_file() and "__pycache__" not in source.parts:
            names = source.relative_to(TEMPLATE).parts
            target = folder.joinpath(*(name.replace("dot-", ".") for name in names))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(source.read_text().replace("__name__", "shop"))


def _stand_ins(folder: Path) -> None:
    folder.mkdir()
    words = {
        "bin": shlex.quote(str(folder)),
        "python": shlex.quote(sys.executable),
        "scripts": shlex.quote(sysconfig.get_path("scripts")),
        "checker": shlex.quote(str(Path(__file__).with_name("dagster_dev.py"))),
    }
    for name, body in STAND_INS.items():
        file = folder / name
        file.write_text(f"#!/bin/sh\n{body.format(**words)}\n")
        file.chmod(0o755)
    (folder / "activate").write_text(f"PATH={words['bin']}:$PATH\n")


def _clone(folder: Path) -> None:
    """This repository with its history, and its example as it is now."""
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True, capture_output=True)
    ignored = shutil.ignore_patterns("__pycache__", "secrets.toml")
    for name in ("odp_config", "dlt_project"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored, dirs_exist_ok=True)
