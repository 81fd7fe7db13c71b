"""Configurations of several fields, and functions that the settings fill."""

from pathlib import Path
from typing import Any

import pytest

from odp_dlt import dlt
from odp_dlt.errors import ConfigError, MissingSetting
from odp_dlt.extract import current
from odp_dlt.extract.inject import with_config
from odp_dlt.settings import Settings
from odp_dlt.settings.credentials import (
    AwsCredentials,
    ConnectionStringCredentials,
    GcpOAuthCredentials,
    GcpServiceAccountCredentials,
)
from odp_dlt.settings.specs import BaseConfiguration, configspec


@configspec
class Paging(BaseConfiguration):
    """How to page."""

    size: int
    after: str | None = None
    sorts: list[str] = []  # noqa: RUF012 - the decorator makes it each one's own


@dlt.source(section="mod")
def api(
    credentials: GcpOAuthCredentials | GcpServiceAccountCredentials = dlt.secrets.value,
    paging: Paging = dlt.config.value,
) -> Any:
    return dlt.resource([credentials, paging], name="given")


def given(settings: Settings) -> list[Any]:
    with current.running(current.Running(settings)):
        return list(api().given.data)


PAGING = {"SOURCES__PAGING__SIZE": "7"}


def test_fields_are_settings_of_their_own_from_several_places(tmp_path: Path) -> None:
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "secrets.toml").write_text(
        "[sources.mod.credentials]\n"
        'project_id = "p"\nclient_email = "e"\nprivate_key = "from file"\n'
    )
    variables = {**PAGING, "SOURCES__MOD__API__CREDENTIALS__PRIVATE_KEY": "k"}
    account, paging = given(Settings.from_folder(tmp_path, variables))
    assert isinstance(account, GcpServiceAccountCredentials)
    assert (account.project_id, account.client_email, account.private_key) == ("p", "e", "k\n")
    assert account.token_uri == "https://oauth2.googleapis.com/token"
    assert (paging.size, paging.after, paging.sorts) == (7, None, [])


def test_a_whole_value_may_be_json() -> None:
    whole = '{"client_id": "i", "client_secret": "s", "refresh_token": "r"}'
    client, _ = given(Settings((), {**PAGING, "CREDENTIALS": whole}))
    assert isinstance(client, GcpOAuthCredentials)
    assert dict(client)["refresh_token"] == "r"


def test_a_missing_field_is_named_with_the_source() -> None:
    with pytest.raises(MissingSetting, match="argument 'credentials'") as error:
        given(Settings((), PAGING))
    assert "SOURCES__MOD__API__CREDENTIALS__PROJECT_ID" in str(error.value)


def test_a_value_that_is_no_configuration_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError, match="'credentials' is no GcpOAuthCredentials") as error:
        given(Settings((), {**PAGING, "CREDENTIALS": "hush"}))
    assert "hush" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:p%40ss@host:5433/db?connect_timeout=15",
        "mysql://host/db",
        "duckdb:///local.duckdb",
    ],
)
def test_a_connection_string_is_read_and_written(url: str) -> None:
    made = ConnectionStringCredentials()
    made.parse_native_representation(url)
    assert made.to_native_representation() == url
    if made.username:
        assert (made.password, made.port, made.query) == ("p@ss", 5433, {"connect_timeout": "15"})


def test_configurations_of_one_class_do_not_share_values() -> None:
    first, second = Paging(), Paging()
    first.sorts.append("x")
    assert second.sorts == []
    assert first.missing() == ["size"]
    keys = AwsCredentials()
    keys.region_name = "eu"
    assert keys.copy().region_name == "eu"


def test_a_function_may_take_its_arguments_from_the_settings() -> None:
    @with_config(sections=("sources", "mine"))
    def connect(host: str = dlt.config.value, port: int = 1) -> Any:
        return host, port

    variables = {"SOURCES__MINE__HOST": "h", "PORT": "2"}
    with current.running(current.Running(Settings((), variables))):
        assert connect() == ("h", 2)
        assert connect("given") == ("given", 2)
