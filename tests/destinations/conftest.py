"""One place of every kind for each behaviour of the suite."""

import pytest

from tests.destinations.places import Place


@pytest.fixture
def place(anywhere: Place) -> Place:
    return anywhere
