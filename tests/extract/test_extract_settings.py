"""Where settings are found, as what they come, and what is said of those that are nowhere."""

import enum
import os
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import dlt
import pytest
from dlt.common.configuration.exceptions import (
    ConfigFieldMissingException,
    ConfigValueCannotBeCoercedException,
)
from dlt.common.configuration.utils import deserialize_value
from pydantic import BaseModel

from odp_dlt.errors import ConfigError, MissingSetting
from odp_dlt.settings import AnchoredPath, Settings, anchored, exported, secrets_environment

SECTIONS = ("sources", "mymod", "my_source")


def project(folder: Path, secrets: str = "", config: str = "") -> Path:
    (folder / ".dlt").mkdir(parents=True, exist_ok=True)
    (folder / ".dlt" / "secrets.toml").write_text(secrets)
    (folder / ".dlt" / "config.toml").write_text(config)
    return folder


@pytest.mark.parametrize("module", ["mymod", "my_source"])
def test_names_are_tried_in_dlts_order(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    dlt.pipeline("pipe1", pipelines_dir=str(tmp_path))

    @dlt.source(name="my_source", section=module)
    def theirs(api_key: Any = dlt.secrets.value) -> Any:
        return []

    with pytest.raises(ConfigFieldMissingException) as their_error:
        theirs()
    their_tries = [trace.key for trace in their_error.value.traces["api_key"]]
    with pytest.raises(MissingSetting) as error:
        Settings.from_folder(tmp_path, {}).resolve(
            "api_key",
            sections=("sources", module, "my_source"),
            hint=Any,
            secret=True,
            pipeline="pipe1",
        )
    tried = str(error.value).partition("in this order:")[2].partition("files:")[0]
    ours = [line.split(": ")[1] for line in tried.splitlines() if "environment: " in line]
    assert ours == their_tries


@pytest.mark.parametrize(
    ("environ", "secrets", "config", "expected"),
    [
        ({"LIMIT": "99"}, "", "[sources.mymod]\nlimit = 11", 99),
        ({"SOURCES__LIMIT": "1"}, "", "[sources.mymod.my_source]\nlimit = 2", 1),
        ({"SOURCES__MYMOD__LIMIT": "1"}, "[pipe1.sources.mymod]\nlimit = 2", "", 2),
        ({}, "limit = 1", "[sources.mymod.my_source]\nlimit = 2", 1),
        ({}, "", "[sources.my_source]\nlimit = 1\n[sources.mymod]\nlimit = 2", 2),
        ({"PIPE1__LIMIT": "5", "SOURCES__MYMOD__MY_SOURCE__LIMIT": "6"}, "", "", 5),
        ({}, "", "", 7),
    ],
)
def test_pipeline_beats_place_and_place_beats_depth(
    environ: Mapping[str, str], secrets: str, config: str, expected: int, tmp_path: Path
) -> None:
    settings = Settings.from_folder(project(tmp_path, secrets, config), environ)
    found = settings.resolve(
        "limit", sections=SECTIONS, hint=int, secret=False, pipeline="pipe1", default=7
    )
    assert found == expected


def test_a_secret_is_not_looked_for_in_config_toml(tmp_path: Path) -> None:
    settings = Settings.from_folder(project(tmp_path, config='token = "open"'), {})
    with pytest.raises(MissingSetting):
        settings.resolve("token", sections=(), hint=str, secret=True)
    assert settings.resolve("token", sections=(), hint=str, secret=False) == "open"


def test_a_missing_setting_names_every_place_and_file_in_order_and_no_value(tmp_path: Path) -> None:
    settings = Settings.from_folder(project(tmp_path, 'other = "hidden"'), {"X": "hidden"})
    with pytest.raises(MissingSetting) as error:
        settings.resolve("key", sections=("sources", "m"), hint=str, secret=True, pipeline="p")
    file = tmp_path / ".dlt" / "secrets.toml"
    text = str(error.value)
    assert [line.strip() for line in text.splitlines()] == [
        "no secret 'key' was found",
        "looked for, in this order:",
        "environment: P__SOURCES__M__KEY",
        "environment: P__SOURCES__KEY",
        "environment: P__KEY",
        f"{file}: p.sources.m.key",
        f"{file}: p.sources.key",
        f"{file}: p.key",
        "environment: SOURCES__M__KEY",
        "environment: SOURCES__KEY",
        "environment: KEY",
        f"{file}: sources.m.key",
        f"{file}: sources.key",
        f"{file}: key",
        "files:",
        f"{file} (read)",
    ]
    assert "hidden" not in text


def test_the_sources_own_folder_comes_before_the_project(tmp_path: Path) -> None:
    own = project(tmp_path / "github", 'token = "own"')
    settings = Settings.from_folder(project(tmp_path, '[sources.m]\ntoken = "all"\nb = "b"'), {})
    both = settings.with_folder(own)
    assert both.resolve("token", sections=("sources", "m"), hint=str, secret=True) == "own"
    assert both.resolve("b", sections=("sources", "m"), hint=str, secret=True) == "b"


class Colour(enum.Enum):
    """An enum of texts."""

    RED = "red"


TEXTS: list[tuple[str, Any]] = [
    *[(text, int) for text in ("5", " 7 ", "1_000", "0x10", "5.0", "x", "")],
    *[(text, float) for text in ("5", "1e3", "x")],
    *[(text, bool) for text in ("true", "T", "yes", "N", "0", "1", "on", "2", "")],
    *[(text, str) for text in ("", " a ")],
    *[(text, list) for text in ("[1, 2]", "a,b", "['a']", "{}")],
    *[(text, list[str]) for text in ("[1]",)],
    *[(text, dict) for text in ('{"a": 1}', "[]")],
    *[(text, Literal["a", "b"]) for text in ("a", "c")],
    *[(text, int | None) for text in ("5", "x")],
    *[(text, Decimal) for text in ("1.50", "x")],
    *[(text, bytes) for text in ("aGk=",)],
    *[(text, date) for text in ("2024-05-06", "x")],
    *[(text, datetime) for text in ("2024-05-06T07:08:09Z", "1700000000", "x")],
]


@pytest.mark.parametrize(("text", "hint"), TEXTS)
def test_text_becomes_the_type_that_is_asked_for_as_in_dlt(text: str, hint: Any) -> None:
    settings = Settings((), {"K": text})
    plain = getattr(hint, "__origin__", hint) if hint == list[str] else hint
    plain = int if hint == int | None else plain
    try:
        theirs = deserialize_value("k", text, plain)
    except ConfigValueCannotBeCoercedException:
        with pytest.raises(ConfigError, match="K: its value is not"):
            settings.resolve("k", sections=(), hint=hint, secret=False)
    else:
        ours = settings.resolve("k", sections=(), hint=hint, secret=False)
        assert ours == theirs
        assert isinstance(theirs, type(ours))  # dlt's moments are pendulum's


def test_an_enum_is_given_as_its_member() -> None:
    settings = Settings((), {"K": "red"})
    assert settings.resolve("k", sections=(), hint=Colour, secret=False) is Colour.RED


@pytest.mark.parametrize("hint", [tuple, set, timedelta, int | str])
def test_a_type_that_no_setting_can_have_is_refused_not_ignored(hint: Any) -> None:
    with pytest.raises(ConfigError, match="of a type that a setting can have"):
        Settings((), {"K": "1"}).resolve("k", sections=(), hint=hint, secret=False, default=1)


def test_the_value_of_a_secret_is_never_in_an_error(tmp_path: Path) -> None:
    settings = Settings.from_folder(project(tmp_path, 'k = "hidden"'), {})
    with pytest.raises(ConfigError) as error:
        settings.resolve("k", sections=(), hint=int, secret=True)
    assert "hidden" not in str(error.value)
    assert "secrets.toml" in str(error.value)


def test_a_broken_file_is_told_with_its_path_and_line(tmp_path: Path) -> None:
    settings = Settings.from_folder(project(tmp_path, "a = 1\nb = ?\nc = 1"), {})
    with pytest.raises(ConfigError, match=r"secrets\.toml: cannot be read as TOML: .*line 2"):
        settings.resolve("k", sections=(), hint=int, secret=True)


def test_nothing_is_read_before_something_is_asked(tmp_path: Path) -> None:
    Settings.from_folder(project(tmp_path, "broken ="), {})


def test_secrets_are_in_the_environment_only_meanwhile(tmp_path: Path) -> None:
    text = 'top = "t"\n[sources.github]\ntoken = "abc"\nids = [1, 2]\non = true'
    settings = Settings.from_folder(project(tmp_path, text), {})
    assert secrets_environment(settings) == {
        "TOP": "t",
        "SOURCES__GITHUB__TOKEN": "abc",
        "SOURCES__GITHUB__IDS": "[1,2]",
        "SOURCES__GITHUB__ON": "true",
    }
    environ = {"TOP": "mine"}
    with exported(settings, environ):
        assert environ["TOP"] == "mine"
        assert environ["SOURCES__GITHUB__TOKEN"] == "abc"
    assert environ == {"TOP": "mine"}


def test_secrets_leave_the_environment_after_an_error_too(tmp_path: Path) -> None:
    settings = Settings.from_folder(project(tmp_path, 'odp_test_only = "t"'), {})
    with pytest.raises(ZeroDivisionError), exported(settings, os.environ):
        _ = 1 / 0
    assert "ODP_TEST_ONLY" not in os.environ


class Place(BaseModel):
    """A model with a path."""

    database: AnchoredPath


def test_a_relative_path_counts_from_the_root_that_is_given(tmp_path: Path) -> None:
    assert anchored(Place, {"database": "data/x.db"}, tmp_path).database == tmp_path / "data/x.db"
    assert anchored(Place, {"database": "/x.db"}, tmp_path).database == Path("/x.db")
    assert Place(database=Path("x.db")).database == Path("x.db")


def test_dates_without_a_zone_stay_without_one() -> None:
    found = Settings((), {"K": "2024-05-06"}).resolve("k", sections=(), hint=datetime, secret=False)
    assert found == datetime(2024, 5, 6)
