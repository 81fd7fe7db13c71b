"""`odp run-script`: dlt's scripts as they are."""

import subprocess
import sys
from pathlib import Path

import duckdb

SCRIPT = """
import sys

import dlt


@dlt.resource(name="numbers", primary_key="n")
def numbers():
    yield [{"n": n, "digits": list(str(n))} for n in range(int(sys.argv[1]))]


pipeline = dlt.pipeline("counting", destination="duckdb", dataset_name="data")
print(pipeline.run(numbers()))
"""


def run_script(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "script.py").write_text(text)
    program = Path(sys.executable).with_name("odp")
    return subprocess.run(
        [program, "run-script", "script.py", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_script_written_for_dlt_runs_as_it_is(tmp_path: Path) -> None:
    done = run_script(tmp_path, SCRIPT, "12")
    assert done.returncode == 0, done.stderr
    with duckdb.connect(str(tmp_path / "counting.duckdb"), read_only=True) as con:
        assert con.sql("SELECT count(*) FROM data.numbers__digits").fetchall() == [(14,)]


def test_what_the_script_raises_is_shown_with_its_own_lines_only(tmp_path: Path) -> None:
    done = run_script(tmp_path, "def fail():\n    raise ValueError('no')\n\n\nfail()\n")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ValueError: no"
    assert "line 5" in done.stderr
    assert "odp_dlt" not in done.stderr


def test_what_the_engine_refuses_is_shown_without_a_trace(tmp_path: Path) -> None:
    done = run_script(tmp_path, "import dlt\n\ndlt.pipeline('a/b')\n")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: 'a/b' cannot be the name of a pipeline")
