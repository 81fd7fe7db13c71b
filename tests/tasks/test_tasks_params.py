from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from odp_dlt.resources.duckdb import DuckDB
from odp_dlt.settings import AnchoredPath
from odp_dlt.tasks.params import (
    ParamError,
    named_values,
    param_names,
    validated,
    validated_unless_template,
)

ROOT = Path("/project")


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    count: int = 1


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    file: AnchoredPath
    inner: Inner = Inner()


def test_relative_paths_count_from_the_root() -> None:
    assert validated(Outer, {"file": "a/b"}, ROOT).file == Path("/project/a/b")
    assert validated(Outer, {"file": "/a"}, ROOT).file == Path("/a")


@pytest.mark.parametrize(
    ("params", "path", "said"),
    [
        ({"fil": "a"}, ("p", "fil"), "Did you mean 'file'?"),
        ({}, ("p", "file"), "the param 'file' is missing"),
        ({"file": "a", "inner": {"cuont": 1}}, ("p", "inner", "cuont"), "Did you mean 'count'?"),
        ({"file": "a", "inner": {"count": "x"}}, ("p", "inner", "count"), "valid integer"),
    ],
)
def test_a_wrong_param_is_told_with_the_way_to_it(
    params: dict[str, object], path: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ParamError) as e:
        validated(Outer, params, ROOT, "p")
    assert e.value.path == path
    assert said in str(e.value)


def test_a_value_is_not_said_for_it_can_be_a_secret() -> None:
    with pytest.raises(ParamError) as e:
        validated(Outer, {"file": "a", "inner": {"count": "geheim"}}, ROOT)
    assert "geheim" not in str(e.value)


def test_values_with_templates_wait_and_other_errors_do_not() -> None:
    late = {"file": "a", "inner": {"count": "{{env.N}}"}}
    assert validated_unless_template(Outer, late, ROOT) is None
    assert validated_unless_template(Outer, {"file": "{{env.N}}"}, ROOT) is not None
    with pytest.raises(ParamError, match="unknown param 'x'"):
        validated_unless_template(Outer, {**late, "x": "{{env.N}}"}, ROOT)


def test_every_spelling_of_a_param_is_known_and_has_its_value() -> None:
    assert param_names(DuckDB) == ["database", "database_path", "wait_s"]
    values = named_values(validated(DuckDB, {"database_path": "a.db"}, ROOT))
    assert values == {
        "database": "/project/a.db",
        "database_path": "/project/a.db",
        "wait_s": 600.0,
    }
