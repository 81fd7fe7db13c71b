"""The list of intended differences is complete in both directions."""

from pathlib import Path

import pytest

from tests.compat.differences import DIFFERENCES

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "dlt-compatibility.md"


@pytest.mark.parametrize("name", DIFFERENCES)
def test_every_difference_is_shown_by_a_test(name: str) -> None:
    tests = [path.read_text() for path in HERE.glob("test_compat_*.py")]
    assert any(f'"{name}"' in text for text in tests)


@pytest.mark.parametrize("name", DIFFERENCES)
def test_every_difference_is_in_the_documentation(name: str) -> None:
    assert f"**{name}**" in DOCUMENT.read_text()
