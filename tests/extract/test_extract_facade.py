"""dlt's names for what is here."""

import subprocess
import sys
from pathlib import Path

import pytest

from odp_dlt import dlt
from odp_dlt.errors import ConfigError
from odp_dlt.extract.incremental import Incremental
from odp_dlt.extract.resource import Resource
from odp_dlt.extract.source import Source


def test_the_names_that_sources_use_are_there() -> None:
    assert dlt.sources.incremental is Incremental
    assert (dlt.sources.DltResource, dlt.sources.DltSource) == (Resource, Source)
    assert isinstance(dlt.resource([1], name="r"), dlt.sources.DltResource)
    assert dlt.sources.incremental[int]("u", 1).initial_value == 1


def test_importing_it_imports_no_driver() -> None:
    heavy = "{'dagster', 'duckdb', 'requests', 'dlt'}"
    code = f"import sys, odp_dlt.dlt; sys.exit(str({heavy} & set(sys.modules) or ''))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_a_destination_is_made_by_its_name(tmp_path: Path) -> None:
    by_place = dlt.destinations.duckdb(str(tmp_path / "x.db"))
    assert by_place == dlt.destinations.duckdb(database=tmp_path / "x.db")
    assert by_place == dlt.destinations.duckdb(credentials=str(tmp_path / "x.db"))
    assert by_place.name == "duckdb"


def test_an_unknown_destination_or_parameter_is_told() -> None:
    with pytest.raises(AttributeError, match="Did you mean 'duckdb'"):
        _ = dlt.destinations.duckdbb
    with pytest.raises(ConfigError, match="It takes: database"):
        dlt.destinations.duckdb("x.db", databse="y")
    with pytest.raises(ConfigError, match="more than once"):
        dlt.destinations.duckdb("x.db", database="y")
