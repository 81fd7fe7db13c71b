import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.resources.dlt import DltProject
from odp_dlt.tasks.base import tasks
from odp_dlt.tasks.params import ParamError, validated
from tests.tasks.running import Runner

CODE = """
from datetime import date, datetime, timezone
from decimal import Decimal
import dlt
from jobs.other import NAME


def build(n, *, name="x"):
    return {"n": n + 1, "name": name, "other": NAME, "secret": dlt.secrets["token"] == "geheim"}


def of_run(context):
    context.log.info("hello")
    context.progress("half")
    return {"key": context.asset_key}


def many():
    return {"day": date(2024, 1, 2), "at": datetime(2024, 1, 2, tzinfo=timezone.utc),
            "sum": Decimal("1.5"), "none": None}


def nothing():
    pass


def wrong():
    return [1]


def odd():
    return {"list": [1]}


def fails():
    raise ValueError("token is " + dlt.secrets["token"])
"""


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    (tmp_path / "project/jobs").mkdir(parents=True)
    (tmp_path / "project/jobs/report.py").write_text(CODE)
    (tmp_path / "project/jobs/other.py").write_text("NAME = 'other'\n")
    (tmp_path / "project/.dlt").mkdir()
    (tmp_path / "project/.dlt/secrets.toml").write_text('token = "geheim"\n')
    return Runner(tmp_path, {"dlt": DltProject(project_dir=tmp_path / "project")})


def planned(runner: Runner, **params: Any) -> Any:
    task = validated(tasks.find("python"), params, runner.root)
    (one,) = task.assets("a/b", runner.site)
    return one


def test_a_function_gets_its_arguments_and_secrets_and_returns_metadata(runner: Runner) -> None:
    done = runner.run("python", function="jobs.report.build", kwargs={"n": 1, "name": "y"})
    assert done.metadata == {"n": 2, "name": "y", "other": "other", "secret": True}


def test_a_function_that_asks_for_the_context_gets_it(runner: Runner) -> None:
    assert runner.run("python", function="jobs.report.of_run").metadata == {"key": "a/b"}
    assert runner.log == ["hello", "half"]


def test_what_is_returned_becomes_single_values(runner: Runner) -> None:
    assert runner.run("python", function="jobs.report.many").metadata == {
        "day": "2024-01-02",
        "at": datetime(2024, 1, 2, tzinfo=UTC),
        "sum": "1.5",
        "none": None,
    }
    assert runner.run("python", function="jobs.report.nothing").metadata == {}
    with pytest.raises(SourceError, match=r"'jobs\.report\.wrong' returned a list\n.*a mapping"):
        runner.run("python", function="jobs.report.wrong")
    with pytest.raises(SourceError, match=r"'jobs\.report\.odd' returned a list as 'list'"):
        runner.run("python", function="jobs.report.odd")


def test_what_it_raises_is_told_with_its_line_and_without_its_secrets(runner: Runner) -> None:
    with pytest.raises(SourceError, match=r"report\.py:36: the function .* ValueError: ") as e:
        runner.run("python", function="jobs.report.fails")
    assert "geheim" not in str(e.value)


def test_where_the_function_is_is_known_without_importing_it(runner: Runner) -> None:
    (runner.root / "project/loud.py").write_text(
        "import no_such\n\n\ndef run(n=1):\n    return n\n"
    )
    found = planned(runner, function="loud.run")
    assert (found.file, found.line) == (runner.root / "project/loud.py", 4)
    assert not any(name.endswith(".loud") for name in sys.modules)


def test_an_installed_function_is_found_without_importing_its_packages(runner: Runner) -> None:
    absent = "xml.dom.pulldom"
    assert absent not in sys.modules
    found = planned(runner, function=f"{absent}.parse", kwargs={"stream_or_string": "x"})
    assert found.file.name == "pulldom.py"
    assert absent not in sys.modules
    with pytest.raises(SourceError, match="returned a str"):
        Runner(runner.root).run("python", function="textwrap.dedent", kwargs={"text": ""})


@pytest.mark.parametrize(
    ("params", "path", "said"),
    [
        ({"function": "build"}, ("function",), "no function of a module"),
        ({"function": "jobs.reprot.build"}, ("function",), "there is no module 'jobs.reprot' in"),
        ({"function": "{{context.run_id}}.x"}, ("function",), "cannot be a template"),
        ({"function": "jobs.report.build"}, ("kwargs",), "the function needs 'n'"),
        (
            {"function": "jobs.report.build", "kwargs": {"n": 1, "nam": 2}},
            ("kwargs", "nam"),
            "takes no 'nam'. Did you mean 'name'?",
        ),
    ],
)
def test_wrong_params_are_told_before_any_run(
    runner: Runner, params: dict[str, Any], path: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ParamError) as e:
        planned(runner, **params)
    assert e.value.path == path
    assert said in str(e.value)


def test_a_function_that_is_not_in_its_module_is_told(runner: Runner) -> None:
    with pytest.raises(ConfigError, match=r"no function 'biuld' in the module\n.*'build'"):
        planned(runner, function="jobs.report.biuld")
    with pytest.raises(ConfigError, match=r"'jobs\.other\.NAME' is no function"):
        runner.run("python", function="jobs.other.NAME")
