"""A name in YAML is the name of a file, and a wrong one leads to the right one."""

import pytest

from odp_dlt.destinations.base import destinations
from odp_dlt.errors import ConfigError
from odp_dlt.resources.base import resources
from odp_dlt.tasks.base import Task, tasks


def test_a_name_is_the_class_in_the_file_of_that_name() -> None:
    assert tasks.find("duckdb_query").__module__ == "odp_dlt.tasks.duckdb_query"


def test_files_without_an_entry_are_no_names() -> None:
    assert {"base", "sql"}.isdisjoint(destinations.names())
    assert "base" not in resources.names()
    assert "base" not in tasks.names()


def test_an_unknown_name_is_told_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError) as e:
        tasks.find("duckdb_qery", at="sales.yaml:3:5")
    assert str(e.value).startswith("sales.yaml:3:5: no task type is named 'duckdb_qery'\n")
    assert "Did you mean 'duckdb_query'?" in str(e.value)


def test_a_dotted_name_is_a_class_of_ones_own() -> None:
    assert tasks.find("odp_dlt.tasks.duckdb_query.DuckdbQuery") is tasks.find("duckdb_query")
    with pytest.raises(ConfigError, match=r"'pathlib.Path' is not a task type") as e:
        tasks.find("pathlib.Path")
    assert e.value.hint == f"It must derive from {Task.__module__}.Task."
    with pytest.raises(ConfigError, match=r"task type 'no.such.Thing' cannot be imported"):
        tasks.find("no.such.Thing")
