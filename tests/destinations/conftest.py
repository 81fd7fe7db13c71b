"""One place of every kind for each behaviour of the suite."""

from pathlib import Path

import pytest

from tests.destinations.places import KINDS, SQL, Place, Server, file_place


def _made(kind: str, folder: Path, request: pytest.FixtureRequest) -> Place:
    if kind != "postgres":
        return file_place(kind, folder)
    server: Server = request.getfixturevalue("postgres")
    return server.new(folder)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return _made(request.param, tmp_path, request)


@pytest.fixture(params=SQL)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return _made(request.param, tmp_path, request)
