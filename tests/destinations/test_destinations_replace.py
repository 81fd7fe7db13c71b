"""dlt's strategies of replace, by name: each is one switch."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from odp_dlt import dlt
from odp_dlt.destinations.base import Destination, ReplaceStrategy
from odp_dlt.destinations.duckdb import Duckdb
from odp_dlt.errors import ConfigError, OdpError
from odp_dlt.settings import Settings
from odp_dlt.tasks.params import validated
from tests.destinations.places import Place

NAMED = pytest.mark.parametrize("named", get_args(ReplaceStrategy))
OLD = [{"id": 1, "lines": [{"sku": "a"}]}, {"id": 2, "lines": [{"sku": "b"}]}]
KNOWN = "insert-from-staging, staging-optimized, truncate-and-insert"


def content(place: Place) -> tuple[Any, Any]:
    return place.rows("orders", "id"), place.nested("orders__lines", "sku")


def of_strategy(place: Place, named: str) -> Place:
    params = {**place.destination.__dict__, "replace_strategy": named}
    return dataclasses.replace(place, destination=type(place.destination).model_validate(params))


@NAMED
def test_old_rows_are_there_until_the_new_ones_are(place: Place, named: str) -> None:
    place = of_strategy(place, named)
    seen = []

    def rows() -> Iterator[Any]:
        yield {"id": 3, "lines": [{"sku": "c"}]}
        seen.append(content(place))
        yield {"id": 4}

    place.load(OLD, write_disposition="replace")
    before = content(place)
    place.load(rows, write_disposition="replace")
    assert seen == [before]
    assert content(place) == ([(3,), (4,)], [(3, "c")])


@NAMED
def test_a_load_that_fails_midway_leaves_the_old_rows(place: Place, named: str) -> None:
    place = of_strategy(place, named)
    columns = {"id": {"data_type": "bigint", "nullable": False}}
    place.load(OLD, write_disposition="replace", columns=columns)
    before = content(place)
    batch = [{"id": 3, "lines": [{"sku": "c"}]}, {"lines": [{"sku": "d"}]}]
    with pytest.raises(OdpError, match="id"):
        place.load(batch, write_disposition="replace", columns=columns)
    assert content(place) == before


def test_the_settings_can_name_it_and_what_is_given_wins(tmp_path: Path) -> None:
    def found(made: Destination, **environ: str) -> str | None:
        return made.with_settings(Settings.from_folder(tmp_path, environ)).replace_strategy

    plain = Duckdb(database=tmp_path / "x.duckdb")
    assert found(plain) is None
    assert found(plain, DESTINATION__REPLACE_STRATEGY="staging-optimized") == "staging-optimized"
    own = {"DESTINATION__DUCKDB__REPLACE_STRATEGY": "insert-from-staging"}
    everybodys = {"DESTINATION__REPLACE_STRATEGY": "staging-optimized"}
    assert found(plain, **own, **everybodys) == "insert-from-staging"
    given = Duckdb(database=tmp_path / "x.duckdb", replace_strategy="truncate-and-insert")
    assert found(given, **own) == "truncate-and-insert"


@pytest.mark.parametrize("kind", ["duckdb", "postgres", "sqlite", "filesystem"])
def test_an_unknown_one_in_the_settings_is_refused_with_the_known_ones(
    tmp_path: Path, kind: str
) -> None:
    settings = Settings.from_folder(tmp_path, {"DESTINATION__REPLACE_STRATEGY": "insert-staging"})
    made = getattr(dlt.destinations, kind)()
    with pytest.raises(ConfigError) as e:
        made.with_settings(settings)
    assert str(e.value) == (
        f"destination.{kind}: there is no replace_strategy 'insert-staging'\n"
        f"  Did you mean 'insert-from-staging'? Known: {KNOWN}."
    )


def test_an_unknown_one_that_is_given_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'truncate-and-insert', 'insert-from-staging' or"):
        dlt.destinations.duckdb("x.duckdb", replace_strategy="truncate")
    with pytest.raises(ConfigError, match=r"params\.destination_params\.replace_strategy: .*Input"):
        validated(Duckdb, {"replace_strategy": "truncate"}, tmp_path, "destination_params")


def test_a_script_gives_each_destination_its_place_first(tmp_path: Path) -> None:
    assert dlt.destinations.duckdb(str(tmp_path / "x")).location() == str(tmp_path / "x")
    assert dlt.destinations.postgres("postgresql://me@here:1/shop").location() == "here/shop"
    made = dlt.destinations.postgres(credentials="postgresql://me@there/shop")
    assert made.location() == "there/shop"
    assert dlt.destinations.filesystem("s3://lake/x").location() == "s3://lake/x"
