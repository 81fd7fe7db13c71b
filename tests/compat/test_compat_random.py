"""Nested input that hypothesis makes up, over pages and runs, a few hundred resources in all."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from tests.compat.oracle import Case, by_dlt, by_ours, family, unlike

EXAMPLES, RESOURCES = 26, 12

# In one order, as an API has it, and without two keys that become one name.
KEYS = ["id", "userName", "a b", "żo", "naïve", "value", "d", "e1", "items", "$ref"]
MOST = 2**63 - 1

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-MOST, MOST)
    | st.integers(-5, 5)
    | st.floats(-1e9, 1e9, width=32).map(lambda number: number or 0.0)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs", "Co"]), max_size=4)
    | st.sampled_from(["12", "true", "1.5", "x"])
)


def objects(inner: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[Any]:
    made = st.dictionaries(st.sampled_from(KEYS), inner, max_size=most)
    return made.map(lambda found: {key: found[key] for key in KEYS if key in found})


DOCUMENTS = objects(
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | objects(inner, 3), max_leaves=10
    ),
    5,
)
PAGES = st.lists(st.lists(DOCUMENTS, min_size=1, max_size=5), min_size=1, max_size=2)
RUNS = st.lists(PAGES, min_size=1, max_size=2)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(RUNS, min_size=RESOURCES, max_size=RESOURCES))
def test_any_nested_input_becomes_the_tables_and_rows_of_dlt(
    tmp_path_factory: pytest.TempPathFactory, loads: list[Any]
) -> None:
    cases = [Case(f"r{number}", runs) for number, runs in enumerate(loads)]
    folder = tmp_path_factory.mktemp("random")
    theirs, mine = by_dlt(cases, folder), by_ours(cases, folder)
    for each in cases:
        found = unlike(family(theirs, each.name), family(mine, each.name))
        assert not found, "\n".join(found)
