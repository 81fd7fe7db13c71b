"""The rules that a machine can hold: sizes, layers, lint, types, and nothing of one machine."""

import ast
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES_OF_A_MODULE = 400
MOST_LINES_OF_A_FUNCTION = 50


def tracked(*patterns: str) -> list[Path]:
    found = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in found.stdout.splitlines() if (ROOT / name).is_file()]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def tool(name: str, *args: str) -> subprocess.CompletedProcess[str]:
    program = Path(sysconfig.get_path("scripts")) / name
    return subprocess.run([program, *args], cwd=ROOT, capture_output=True, text=True, check=False)


def test_no_module_is_longer_than_400_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked("*.py")
        if (lines := len(path.read_text().splitlines())) > MOST_LINES_OF_A_MODULE
    }
    assert long == {}


def test_no_function_is_longer_than_50_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in tracked("*.py")
        for node in functions(ast.parse(path.read_text()))
        if (node.end_lineno or 0) - node.lineno + 1 > MOST_LINES_OF_A_FUNCTION
    ]
    assert long == []


def test_imports_go_down_only() -> None:
    done = tool("lint-imports", "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing() -> None:
    done = tool("ruff", "check", "--no-cache", ".")
    assert done.returncode == 0, done.stdout + done.stderr


def test_code_is_formatted() -> None:
    done = tool("ruff", "format", "--no-cache", "--check", ".")
    assert done.returncode == 0, done.stdout + done.stderr


def test_types_hold_strictly() -> None:
    done = tool("mypy")
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_committed_names_a_path_of_one_machine() -> None:
    pattern = re.compile(r"(^|[^\w.])/(work|root|home/\w+|Users/\w+)/")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in tracked()
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".json", ""}
        for line in path.read_text(errors="replace").splitlines()
        if pattern.search(line) and path != Path(__file__)
    ]
    assert found == []


@pytest.mark.parametrize("absent", ["dagster", "duckdb", "requests", "dlt"])
def test_importing_the_facade_is_cheap(absent: str) -> None:
    code = f"import sys; from odp_dlt import dlt; sys.exit({absent!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == 0, f"`from odp_dlt import dlt` imports {absent}"
