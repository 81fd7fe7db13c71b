"""The lists of intended differences are complete in both directions."""

import re
from pathlib import Path

import pytest

from tests.compat import differences, differences_contract

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "dlt-compatibility.md"
NAMED = [*differences.DIFFERENCES, *differences_contract.DIFFERENCES]


@pytest.mark.parametrize("name", NAMED)
def test_every_difference_is_shown_by_a_test(name: str) -> None:
    tests = [path.read_text() for path in HERE.glob("test_compat_*.py")]
    assert any(f'"{name}"' in text for text in tests)


@pytest.mark.parametrize("name", NAMED)
def test_every_difference_is_in_the_documentation(name: str) -> None:
    assert f"**{name}**" in DOCUMENT.read_text()


def test_the_documentation_names_no_difference_that_there_is_none_of() -> None:
    told = re.findall(r"^- \*\*(.+?)\*\*:", DOCUMENT.read_text(), re.MULTILINE)
    assert sorted(told) == sorted(NAMED)
