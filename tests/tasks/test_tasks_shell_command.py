import os
import sys
import time
from pathlib import Path

import pytest

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.tasks.params import ParamError
from odp_dlt.tasks.program import Program
from tests.tasks.running import Runner


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_both_streams_are_in_the_log_line_by_line(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    code = "import sys; print('one'); print('two', file=sys.stderr); print('é\\nthree')"
    done = runner.run("shell_command", command=python(code))
    assert done.metadata["return_code"] == 0
    assert [line for line in runner.log if not line.startswith("stderr")] == ["one", "é", "three"]
    assert [line for line in runner.log if line.startswith("stderr")] == ["stderr: two"]


def test_lines_come_while_the_program_runs(tmp_path: Path) -> None:
    code = "import pathlib, time\nprint('ready')\nwhile not pathlib.Path('go').exists():"
    program = Program(python(f"{code} time.sleep(.01)\nprint('gone')"), tmp_path, timeout_s=60)
    with program.started() as lines:
        assert next(lines) == ("stdout", "ready")
        (tmp_path / "go").touch()
        assert list(lines) == [("stdout", "gone")]


def test_a_text_is_split_as_a_shell_would_and_no_shell_runs_it(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    runner.run("shell_command", command="printf '%s|' 'a b' $HOME \"it's\" ';' ls")
    assert runner.log == ["a b|$HOME|it's|;|ls|"]


def test_variables_are_added_to_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODP_INHERITED", "inherited")
    monkeypatch.setenv("ODP_CHANGED", "before")
    runner = Runner(tmp_path)
    code = "import os; print(os.environ['ODP_INHERITED'], os.environ['ODP_CHANGED'], "
    code += "os.environ['ODP_NUMBER'], os.environ['ODP_TRUTH'])"
    given = {"ODP_CHANGED": "after", "ODP_NUMBER": 5, "ODP_TRUTH": True}
    runner.run("shell_command", command=python(code), env_vars=given)
    assert runner.log == ["inherited after 5 true"]
    assert os.environ["ODP_CHANGED"] == "before"


def test_it_runs_in_the_project_or_in_a_folder_of_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    runner = Runner(tmp_path)
    runner.run("shell_command", command="pwd")
    runner.run("shell_command", command="pwd", working_dir="sub")
    assert runner.log == [str(tmp_path.resolve()), str((tmp_path / "sub").resolve())]
    with pytest.raises(ConfigError, match=r"there is no folder '.*gone' to run in"):
        runner.run("shell_command", command="pwd", working_dir="gone")


def test_a_failure_says_the_command_the_code_and_the_end_of_stderr(tmp_path: Path) -> None:
    code = "import sys; [print('line', n, file=sys.stderr) for n in range(100)]; sys.exit(3)"
    with pytest.raises(SourceError, match="ended with code 3") as e:
        Runner(tmp_path).run("shell_command", command=python(code))
    assert str(e.value).startswith(f"the command '{sys.executable} -c ")
    assert "line 80\n  line 81" in str(e.value)
    assert "line 79" not in str(e.value)


def test_without_stderr_a_failure_shows_the_end_of_stdout(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"killed by SIGKILL(.|\n)*last words"):
        Runner(tmp_path).run("shell_command", command=["sh", "-c", "echo last words; kill -9 $$"])


def test_secrets_are_struck_out_of_the_log_and_of_the_error(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    with pytest.raises(SourceError) as e:
        runner.run(
            "shell_command",
            command=["sh", "-c", "echo hunter22; echo hunter22 >&2; exit 1 # hunter22"],
            env_vars={"API_TOKEN": "hunter22", "PLACE": "exit"},
        )
    assert "hunter22" not in str(e.value) + "".join(runner.log)
    assert "exit 1" in str(e.value)
    assert sorted(runner.log) == ["***", "stderr: ***"]


def alive(pid: int) -> bool:
    """Whether the process still does something; one that nobody has waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def gone(pid: int) -> bool:
    for _ in range(200):
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False


STUBBORN = "trap '' TERM; sleep 300 & echo $!; wait; wait; sleep 300"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes through /proc")
def test_who_cancels_the_run_ends_the_program_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("odp_dlt.tasks.program.GRACE_S", 0.3)
    seen: list[int] = []
    with (
        pytest.raises(KeyboardInterrupt),
        Program(["sh", "-c", STUBBORN], tmp_path).started() as lines,
    ):
        seen.append(int(next(lines)[1]))
        assert alive(seen[0])
        raise KeyboardInterrupt
    assert gone(seen[0])


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes through /proc")
def test_a_program_that_takes_too_long_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("odp_dlt.tasks.program.GRACE_S", 0.3)
    runner = Runner(tmp_path)
    with pytest.raises(SourceError, match=r"took more than 0\.5 s\n  It was ended"):
        runner.run("shell_command", command=["sh", "-c", STUBBORN], timeout_s=0.5)
    assert gone(int(runner.log[0]))


def test_a_child_in_the_background_does_not_keep_the_run_waiting(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    runner.run("shell_command", command=["sh", "-c", "sleep 600 & echo $!"], timeout_s=60)
    os.kill(int(runner.log[0]), 9)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"command": ""}, "the command is empty"),
        ({"command": "echo 'a"}, "No closing quotation"),
        ({"command": "ls", "timeout_s": 0}, "greater than 0"),
        ({"command": "ls", "env": {}}, "unknown param 'env'"),
        ({}, "the param 'command' is missing"),
    ],
)
def test_wrong_params_are_told(tmp_path: Path, params: dict[str, object], said: str) -> None:
    with pytest.raises(ParamError, match=said):
        Runner(tmp_path).all("shell_command", params)


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the program 'no-such' cannot be started"):
        Runner(tmp_path).run("shell_command", command="no-such thing")
