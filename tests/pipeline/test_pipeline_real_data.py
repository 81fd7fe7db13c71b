"""Real answers of an API: every table and every row that dlt makes of them, and no orphan."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from odp_dlt import dlt
from tests.conftest import Loaded

DATA = Path(__file__).parents[2].parent / "shared" / "data"
PAGE = 50

# What dlt 1.31 makes of each file: tables, and rows in all of them.
COUNTS = {
    "pokemon": (16, 787_015),
    "move": (15, 165_963),
    "ability": (7, 24_275),
    "type": (18, 3_818),
    "berry": (2, 388),
}


def documents(name: str) -> Iterator[list[Any]]:
    with gzip.open(DATA / f"pokeapi_{name}.ndjson.gz", "rt") as lines:
        page = []
        for line in lines:
            page.append(json.loads(line))
            if len(page) == PAGE:
                yield page
                page = []
        yield page


@pytest.mark.skipif(not DATA.is_dir(), reason="the PokeAPI files are not beside the repository")
@pytest.mark.parametrize("name", COUNTS)
def test_every_row_of_the_pokeapi_is_loaded_with_its_parent(place: Loaded, name: str) -> None:
    @dlt.source
    def pokeapi() -> Any:
        return dlt.resource(lambda: documents(name), name=name)

    info = place.load(pokeapi())
    assert (len(info.tables), sum(info.row_counts.values())) == COUNTS[name]
    for table in info.tables.values():
        parent = info.schema.tables[table.name].parent
        assert table.total == table.rows
        if parent is not None:
            assert place.rows(
                f'SELECT count(*) FROM data."{table.name}" WHERE _dlt_parent_id NOT IN '
                f'(SELECT _dlt_id FROM data."{parent}")'
            ) == [(0,)]
    assert place.rows(
        f'SELECT count(*), count(DISTINCT _dlt_id), count(DISTINCT id) FROM data."{name}"'
    ) == [(info.tables[name].rows,) * 3]
