"""The settings of a schema that say what new columns become, in dlt and here."""

from pathlib import Path
from typing import Any

import dlt as real_dlt
import pytest
import yaml

from odp_dlt import dlt as own_dlt
from odp_dlt.errors import ConfigError
from tests.compat.differences import DIFFERENCES
from tests.compat.oracle import Dataset, family, read, unlike

SETTINGS = {
    "preferred_types": {
        "re:^amt": "decimal",
        "exact": "double",
        "re:_at$": "timestamp",
        "re:^day": "date",
        "raw": "json",
    },
    "default_hints": {
        "not_null": ["re:^must"],
        "partition": ["re:_ts$"],
        "sort": ["exact"],
        "x-whatever": ["exact"],
        "unique": ["re:^uni"],
    },
    "detections": ["timestamp", "iso_date", "large_integer"],
}
ROWS: dict[str, list[Any]] = {
    "preferred": [
        {"amt_x": "1.5", "exact": 3, "made_at": "2024-01-01", "day_x": "2024-01-01", "text_at": "9"}
    ],
    "by_number": [{"made_at": 1795168859, "big_at": 1395168859, "amt_i": 7}],
    "hinted": [{"must_have": "y", "a_ts": 1, "unique_x": "u", "exact": "2.5"}],
    "days": [{"plain": "2024-01-01", "moment": "2024-01-01T00:00:00", "text": "2024"}],
    "days_later": [{"n": 1}, {"n": 2, "plain": "2024-01-01"}],
    "detected": [
        {"epoch": 1795168859, "f": 1795168859.5, "small": 1395168859, "txt": "1795168859"}
    ],
    "numbers": [{"big": 2**62, "double": float(2**70), "flag": True}],
    "nested": [{"k": [{"amt_y": "2.5", "must_z": 1}], "o": {"amt_q": "1", "exact": 2}}],
    "whole": [{"raw": {"a": [1]}, "k": [{"raw": [1, 2]}]}],
    "variants": [{"amt_bad": "xx", "day_bad": "hello", "exact": "abc"}],
    "flags": [{"day_b": True, "amt_b": True, "exact": False}],
    "late": [{"amt_l": None, "n": 1}, {"amt_l": "xx"}, {"amt_l": "1"}],
}
HINTS: dict[str, Any] = {
    "typed": {"columns": {"amt_z": {"data_type": "text"}}},
    "untyped": {"columns": {"amt_z": {"nullable": False, "description": "what it costs"}}},
    "key": {"primary_key": "amt_z"},
}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Dataset]:
    return made(real_dlt, tmp_path_factory.mktemp("real")), made(
        own_dlt, tmp_path_factory.mktemp("own")
    )


def made(dlt: Any, folder: Path) -> Dataset:
    """Rows of no source, since to them dlt's settings of the import file count, in the second run.

    Of a source they do not: it brings its own.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLT_DATA_DIR", str(folder / "data"))
        patch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
        patch.setenv("RUNTIME__LOG_LEVEL", "CRITICAL")
        run(dlt, folder, dlt.resource([{"id": 1}], name="first"))
        settle(folder, "feed")
        for name, rows in ROWS.items():
            run(dlt, folder, dlt.resource(rows, name=name))
        for name, hints in HINTS.items():
            run(dlt, folder, dlt.resource([{"amt_z": "1"}], name=name, **hints))
    return read(folder / "feed.duckdb")


def run(dlt: Any, folder: Path, data: Any) -> None:
    dlt.pipeline(
        "feed",
        destination=dlt.destinations.duckdb(str(folder / "feed.duckdb")),
        dataset_name="data",
        pipelines_dir=str(folder / "pipelines"),
        import_schema_path=str(folder / "import"),
    ).run(data)


def settle(folder: Path, name: str, settings: dict[str, Any] = SETTINGS) -> None:
    """Add `settings` to those of the import file."""
    path = folder / "import" / f"{name}.schema.yaml"
    stored = yaml.safe_load(path.read_text())
    for key, value in settings.items():
        if key == "default_hints":
            for hint, patterns in value.items():
                stored["settings"][key].setdefault(hint, []).extend(patterns)
        elif key == "detections":
            stored["settings"][key] += value
        else:
            stored["settings"][key] = value
    path.write_text(yaml.safe_dump(stored, sort_keys=False))


@pytest.mark.parametrize("name", [*ROWS, *HINTS])
def test_new_columns_become_what_the_settings_say(name: str, both: tuple[Dataset, Dataset]) -> None:
    theirs, mine = (family(dataset, name) for dataset in both)
    assert unlike(theirs, mine) == []


def test_large_integers_are_wei_where_the_settings_say_so(tmp_path: Path) -> None:
    run(own_dlt, tmp_path, own_dlt.resource([{"id": 1}], name="first"))
    settle(tmp_path, "feed")
    run(own_dlt, tmp_path, own_dlt.resource([{"n": 2**63 + 1, "d": 1.5}], name="t"))
    columns = read(tmp_path / "feed.duckdb")["t"].stored["columns"]
    assert columns["n"]["data_type"] == "wei"
    assert columns["d"]["data_type"] == "double"


@pytest.mark.parametrize("dlt, counts", [(real_dlt, False), (own_dlt, True)], ids=["dlt", "ours"])
def test_settings_of_the_file_count_for_a_source_too(
    dlt: Any, counts: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "settings of a schema file" in DIFFERENCES
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "data"))

    def source(row: Any) -> Any:
        return dlt.source(lambda: dlt.resource([row], name="t"), name="shop")()

    run(dlt, tmp_path, source({"id": 1}))
    settle(tmp_path, "shop", {"preferred_types": SETTINGS["preferred_types"]})
    run(dlt, tmp_path, source({"id": 2, "amt": 1}))
    kind = read(tmp_path / "feed.duckdb")["t"].stored["columns"]["amt"]["data_type"]
    assert kind == ("decimal" if counts else "bigint")


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"preferred_types": {"a": "number"}}, "there is no data type 'number'"),
        ({"preferred_types": {"re:(": "text"}}, "'re:(' is no regular expression"),
        ({"detections": ["dates"]}, "there is no detection 'dates'"),
    ],
)
def test_settings_that_say_nothing_known_are_refused(
    settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    run(own_dlt, tmp_path, own_dlt.resource([{"id": 1}], name="t"))
    settle(tmp_path, "feed", settings)
    with pytest.raises(ConfigError) as caught:
        run(own_dlt, tmp_path, own_dlt.resource([{"id": 1}], name="t"))
    assert str(caught.value.at).endswith("the settings of the schema")
    assert message in str(caught.value)
