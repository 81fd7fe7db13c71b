"""Schema files are read as PyYAML reads them, whatever they hold."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from odp_dlt.schema.yaml_text import read_yaml

ROOT = Path(__file__).parents[2]
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values, st.booleans())
def test_what_is_dumped_is_read_as_pyyaml_reads_it(value: Any, flow: bool) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True).encode()
    assert read_yaml(text) == yaml.safe_load(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "a: &x {b: 1}\nc: *x\n",
        "a: !!str 1\n",
        "base: &b {x: 1}\nd: {<<: *b, y: 2}\n",
        "a: yes\nb: 'yes'\nc: 2024-01-01\nd: ~\ne: 0x1F\nf: 1_000\ng: .inf\n",
        "a: |\n  two\n  lines\nb: >-\n  folded\n  text\n",
        "{a: [1, 2, {b: c}]}\n",
        "a: 1\na: 2\n",
    ],
)
def test_all_that_yaml_can_say_is_read_the_same(text: str) -> None:
    assert read_yaml(text.encode()) == yaml.safe_load(text)


@pytest.mark.parametrize("text", ["a: [1", "a: b: c", "a: 1\n---\nb: 2\n", "? [x]\n: 1\n"])
def test_what_pyyaml_refuses_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        read_yaml(text.encode())


@pytest.mark.parametrize("file", sorted(ROOT.glob("dlt_project/**/*.schema.yaml")))
def test_the_files_of_the_example_are_read_the_same(file: Path) -> None:
    assert read_yaml(file.read_bytes()) == yaml.safe_load(file.read_bytes())
