"""The same environment and files given to dlt and to ours: the same values arrive."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import dlt as real_dlt
import pytest
from dlt.common.runtime.run_context import switch_context

from odp_dlt import dlt
from odp_dlt.errors import ConfigError, MissingSetting
from odp_dlt.extract import current
from odp_dlt.settings import Settings

Files = Mapping[str, str]

ORDER: dict[str, tuple[Files, str, str]] = {
    "environment beats files": ({"LIMIT": "99"}, "", "[sources.mymod]\nlimit = 11"),
    "a short variable beats a long path": (
        {"SOURCES__LIMIT": "1"},
        "",
        "[sources.mymod.shop]\nlimit = 2",
    ),
    "the pipeline's own beats the environment": (
        {"SOURCES__MYMOD__LIMIT": "1"},
        "[pipe1.sources.mymod]\nlimit = 2",
        "",
    ),
    "secrets beat config": ({}, "limit = 1", "[sources.mymod.shop]\nlimit = 2"),
    "module and name": ({}, "", "[sources.mymod.shop]\nlimit = 1\n[sources.mymod]\nlimit = 2"),
    "module before name": ({}, "", "[sources.shop]\nlimit = 1\n[sources.mymod]\nlimit = 2"),
    "name": ({}, "", "[sources.shop]\nlimit = 1\n[sources]\nlimit = 2"),
    "all sources": ({}, "", "limit = 3\n[sources]\nlimit = 2"),
    "top": ({}, "", "limit = 3"),
    "pipeline's top": ({}, "", "limit = 3\n[pipe1]\nlimit = 4"),
    "pipeline in the environment": ({"PIPE1__LIMIT": "5", "LIMIT": "6"}, "[pipe1]\nlimit = 7", ""),
    "default": ({}, "", ""),
}

TYPES: list[tuple[Any, str]] = [
    *((int, text) for text in ("5", " 7 ", "1_000", "0x10", "5.0", "x", "")),
    *((float, text) for text in ("5", "1e3", "x")),
    *((bool, text) for text in ("true", "F", "yes", "n", "1", "on", "")),
    *((str, text) for text in ("", " a ", "5")),
    *(
        (datetime, text)
        for text in ("2024-01-02T03:04:05Z", "2024-01-02", "2024-01-02 03:04:05", "x")
    ),
    *((date, text) for text in ("2024-01-02", "x")),
    *((Decimal, text) for text in ("1.50", "x")),
    *((bytes, text) for text in ("YWI=", "?")),
    *((list[int], text) for text in ("[1, 2]", "a,b", "['a']")),
    *((dict[str, int], text) for text in ('{"a": 1}', "x")),
    *((Literal["a", "b"], text) for text in ("a", "c")),
    *((int | None, text) for text in ("5", "x")),
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    (tmp_path / ".dlt").mkdir()
    yield tmp_path
    monkeypatch.undo()
    switch_context(None)


def values(library: Any, hint: Any, default: Any) -> Any:
    """What the source's argument becomes, or that it is refused."""

    def shop(limit: Any = default) -> Any:
        return library.resource([{"limit": limit}], name="rows")

    shop.__annotations__["limit"] = hint
    made = library.source(shop, section="mymod")
    try:
        return next(iter(made()))["limit"]
    except Exception:  # noqa: BLE001 - the two have errors of their own
        return "refused"


def both(project: Path, hint: Any, default: Any) -> tuple[Any, Any]:
    switch_context(str(project))
    real_dlt.pipeline("pipe1", pipelines_dir=str(project / "pipelines"))
    theirs = values(real_dlt, hint, default)
    with current.running(current.Running(Settings.from_folder(project), pipeline_name="pipe1")):
        return values(dlt, hint, default), theirs


@pytest.mark.parametrize("case", ORDER)
def test_a_value_is_found_in_the_place_where_dlt_finds_it(
    case: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ, secrets, config = ORDER[case]
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    (project / ".dlt" / "secrets.toml").write_text(secrets)
    (project / ".dlt" / "config.toml").write_text(config)
    ours, theirs = both(project, int, 7)
    assert ours == theirs


@pytest.mark.parametrize(("hint", "text"), TYPES)
def test_text_becomes_what_dlt_makes_of_it(
    hint: Any, text: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__MYMOD__LIMIT", text)
    ours, theirs = both(project, hint, None)
    assert (ours, type(ours).__mro__[-2]) == (theirs, type(theirs).__mro__[-2])


ASSIGNING = """
import os
os.environ["B"] = "environment"
library.secrets["a"] = "assigned"
library.secrets["b"] = "assigned"
library.config["deep.er"] = 5
assert library.secrets["a"] == "assigned"
assert library.secrets["b"] == "environment"
assert library.config["deep.er"] == 5
assert library.config.get("not.there") is None
"""


@pytest.mark.parametrize("library", ["import dlt as library", "from odp_dlt import dlt as library"])
def test_an_assigned_value_beats_the_files_and_not_the_environment(
    library: str, project: Path
) -> None:
    (project / ".dlt" / "secrets.toml").write_text('a = "file"\nb = "file"\n')
    environment = {"HOME": str(project), "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", f"{library}\n{ASSIGNING}"]
    subprocess.run(command, cwd=project, env=environment, check=True)


def test_an_assigned_value_cannot_have_values_inside() -> None:
    with current.running(current.Running(Settings((), {}))):
        dlt.config["deep.er"] = 5
        with pytest.raises(ConfigError, match="'er' in it has a value"):
            dlt.config["deep.er.more"] = 1
        with pytest.raises(MissingSetting, match="assigned in the program: not"):
            _ = dlt.config["not"]


def test_what_is_assigned_in_one_run_is_not_seen_in_another() -> None:
    for _ in range(2):
        with current.running(current.Running(Settings((), {}))):
            assert dlt.secrets.get("only.here") is None
            dlt.secrets["only.here"] = 1
            assert dlt.secrets["only.here"] == 1
