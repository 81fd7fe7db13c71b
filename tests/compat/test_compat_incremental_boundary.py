"""More rows at one cursor value than the state should hold keys of."""

import json
from pathlib import Path
from typing import Any

import dlt as real_dlt
import pytest

from odp_dlt import dlt
from odp_dlt.pipeline.state import decode
from tests.conftest import Loaded

MANY = 20_000
LIMIT = 64 * 1024


def rows(first: int, last: int, cursor: int = 1) -> Any:
    page = [{"id": number, "u": cursor} for number in range(first, last)]
    return dlt.resource([page], name="r", incremental=dlt.sources.incremental("u"))


def stored_state(place: Loaded) -> dict[str, Any]:
    newest = "SELECT state FROM data._dlt_pipeline_state ORDER BY version DESC LIMIT 1"
    return decode(place.rows(newest)[0][0])


def count(place: Loaded) -> int:
    return int(place.rows("SELECT count(*) FROM data.r")[0][0])


def test_no_row_is_loaded_twice_and_the_state_stays_small(place: Loaded) -> None:
    place.load(rows(0, MANY))
    place.load(rows(0, MANY + 5))
    assert count(place) == MANY + 5
    assert place.load(rows(0, MANY + 5)).load_id is None
    state = stored_state(place)
    assert len(json.dumps(state["sources"]["shop"]["resources"]["r"])) < LIMIT
    assert place.rows("SELECT count(*) FROM data._odp_cursor_keys") == [(2,)]


def test_a_cursor_that_moves_on_needs_the_keys_no_more(place: Loaded) -> None:
    place.load(rows(0, MANY))
    place.load(rows(MANY, MANY + 1, cursor=2))
    place.load(rows(MANY, MANY + 2, cursor=2))
    assert count(place) == MANY + 2
    cursor = stored_state(place)["sources"]["shop"]["resources"]["r"]["incremental"]["u"]
    assert (cursor["last_value"], len(cursor["unique_hashes"])) == (2, 2)
    assert "unique_hashes_more" not in cursor


def test_dlt_reads_such_a_state_and_goes_on(
    place: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path))
    place.load(rows(0, MANY))
    theirs = real_dlt.pipeline(
        "shop",
        destination=real_dlt.destinations.duckdb(str(place.database)),
        dataset_name="data",
        pipelines_dir=str(tmp_path / "theirs"),
    )
    cursor = real_dlt.sources.incremental("u")
    page = [{"id": MANY, "u": 1}, {"id": MANY + 1, "u": 2}]
    theirs.run(real_dlt.resource([page], name="r", incremental=cursor))
    assert count(place) == MANY + 2
    place.load(rows(0, MANY + 3, cursor=2))
    assert count(place) == MANY + 2 + MANY + 3 - 1
