import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from odp_dlt.destinations.duckdb import connection
from tests.definitions.shop_project import LINES, ORDERS, shop

ROOT, NESTED, TAGS = "shop/api/orders", "shop/api/orders__lines", "shop/api/orders__lines__tags"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def count(root: Path, table: str) -> int:
    with connection(root / "data/shop.db", write=False) as con:
        found = con.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(found[0]) if found else -1


def test_a_run_loads_the_tables_and_tells_the_next_asset_where_they_are(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    run = shop(tmp_path).run([ROOT, NESTED, "mart/lines"], instance)
    assert run.error == ""
    assert set(run.made) == {ROOT, NESTED, "mart/lines"}
    nested = run.made[NESTED]
    assert nested["destination_table_id"] == "shop_data.orders__lines"
    assert nested["destination_name"] == "duckdb"
    assert nested["dataset_name"] == "shop_data"
    assert (nested["dagster/row_count"], nested["rows_loaded"]) == (4, 4)
    assert {"load_id", "started_at", "finished_at", "extract_s", "load_s"} <= set(nested)
    assert count(tmp_path, "lines") == 4


def test_a_second_run_adds_rows_and_counts_both(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    project = shop(tmp_path)
    project.run([ROOT], instance)
    made = project.run([ROOT], instance).made[ROOT]
    assert (made["dagster/row_count"], made["rows_loaded"]) == (4, 2)


def test_one_selected_table_loads_the_resource_and_records_its_siblings(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    run = shop(tmp_path).run([NESTED], instance)
    assert set(run.made) == {ROOT, NESTED}
    sibling = instance.get_latest_materialization_event(dg.AssetKey(ROOT.split("/")))
    assert sibling is not None
    assert sibling.asset_materialization is not None
    assert sibling.asset_materialization.tags is not None
    assert sibling.asset_materialization.tags["dagster/code_version"]


def test_a_table_that_does_not_exist_reports_nothing(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    run = shop(tmp_path).run([ROOT, NESTED, TAGS], instance)
    assert TAGS not in run.made


def test_a_table_that_got_nothing_reports_no_rows(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    project = shop(tmp_path)
    project.run([ROOT], instance)
    project.workflow(ORDERS.replace("size: 2", "size: 0"))
    made = project.run([NESTED], instance).made
    assert made[NESTED]["rows_loaded"] == 0
    assert made[NESTED]["dagster/row_count"] == 4


def test_a_new_table_is_loaded_and_the_log_says_how_to_make_it_an_asset(
    tmp_path: Path, instance: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]
) -> None:
    project = shop(tmp_path)
    source = project.root / "dlt_project/shop/source.py"
    source.write_text(source.read_text().replace('"lines":', '"notes": [{"n": 1}], "lines":'))
    project.run([ROOT], instance)
    assert count(tmp_path, "shop_data.orders__notes") == 2
    assert "odp schema export shop/api/orders" in capfd.readouterr().err


def test_siblings_of_a_partitioned_asset_are_recorded_for_its_partition(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    daily = "\npartitions:\n  - assets: [shop/api/orders]\n    params: "
    daily += '{start: "2026-01-01", schedule_type: DAILY}\n'
    shop(tmp_path, ORDERS + daily).run([NESTED], instance, "2026-01-03")
    for key in (ROOT, NESTED):
        made = instance.get_materialized_partitions(dg.AssetKey(key.split("/")))
        assert made == {"2026-01-03"}


def test_secrets_are_there_during_the_load_and_gone_after_it(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    project = shop(tmp_path, ORDERS)
    project.write("dlt_project/.dlt/secrets.toml", '[shop]\ntoken = "geheim"\n')
    source = project.root / "dlt_project/shop/source.py"
    source.write_text(
        source.read_text()
        .replace("import dlt", "import os\n\nimport dlt", 1)
        .replace("yield", 'assert os.environ["SHOP__TOKEN"] == "geheim"\n        yield')
    )
    assert project.run([ROOT], instance).error == ""
    assert "SHOP__TOKEN" not in os.environ


@pytest.mark.parametrize(
    ("change", "error", "exit_code", "said"),
    [
        (("yield", "raise RuntimeError('down')\n        yield"), "SourceError", 1, "down"),
        (('"orders"', '"order"'), "ConfigError", 2, "Did you mean 'order'? Known: order."),
        (("@dlt.source", ""), "ConfigError", 2, "no function decorated with @dlt.source"),
        (("import dlt", "import dlt\nimport nowhere"), "SourceError", 1, "nowhere"),
        (
            ("size: int = 1", "size: int = 1, token: str = dlt.secrets.value"),
            "MissingSetting",
            2,
            "secrets.toml",
        ),
    ],
)
def test_what_is_wrong_with_the_source_fails_the_run_and_writes_nothing(
    tmp_path: Path,
    instance: dg.DagsterInstance,
    change: tuple[str, str],
    error: str,
    exit_code: int,
    said: str,
) -> None:
    project = shop(tmp_path, ORDERS)
    source = project.root / "dlt_project/shop/source.py"
    source.write_text(source.read_text().replace(*change, 1))
    run = project.run([ROOT], instance)
    assert run.failure is not None
    assert {name: value.value for name, value in run.failure.metadata.items()} == {
        "error": error,
        "exit_code": exit_code,
    }
    assert said in str(run.failure.description)
    assert run.made == {}
    assert not (tmp_path / "data").exists()


def test_a_partitioned_asset_refuses_a_run_for_no_partition(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    daily = "\npartitions:\n  - assets: [mart/lines]\n    params: "
    daily += '{start: "2026-01-01", schedule_type: DAILY}\n'
    run = shop(tmp_path, ORDERS + LINES + daily).run(["mart/lines"], instance)
    assert "partition" in run.error


def test_a_duckdb_file_that_is_none_is_told(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    project = shop(tmp_path, ORDERS)
    project.write("data/shop.db", "not a database, but long enough to look at" * 200)
    run = project.run([ROOT], instance)
    assert run.failure is not None
    assert "is not a DuckDB database file" in str(run.failure.description)
    assert run.failure.metadata["exit_code"].value == 1


def test_a_load_that_another_one_overtook_begins_again_from_there(
    tmp_path: Path, instance: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]
) -> None:
    project = shop(tmp_path, ORDERS)
    project.write(
        "dlt_project/shop/source.py",
        """
import threading
from pathlib import Path

import dlt
from odp_dlt.destinations.duckdb import Duckdb
from odp_dlt.pipeline.pipeline import Pipeline
from odp_dlt.settings import Settings

HERE = Path(__file__).parent
OVERTAKEN = HERE / "overtaken"


def overtake():
    place = Duckdb(database=HERE / "../../data/shop.db")
    Pipeline("shop__api__orders", place, "shop_data", Settings.from_folder(HERE)).run(shop())


@dlt.source
def shop(size: int = 1):
    @dlt.resource(name="orders")
    def orders():
        state = dlt.current.source_state()
        number = state["last"] = state.get("last", 0) + 1
        if not OVERTAKEN.exists():
            OVERTAKEN.touch()
            other = threading.Thread(target=overtake)
            other.start()
            other.join()
        yield {"id": number}

    return orders
""",
    )
    run = project.run([ROOT], instance)
    assert run.error == ""
    assert (run.made[ROOT]["dagster/row_count"], run.made[ROOT]["rows_loaded"]) == (2, 1)
    assert "another run was faster" in capfd.readouterr().err
    with connection(tmp_path / "data/shop.db", write=False) as con:
        assert con.execute("SELECT id FROM shop_data.orders ORDER BY 1").fetchall() == [(1,), (2,)]


@pytest.mark.parametrize("place", ["secrets.toml", "environment"])
def test_a_secret_in_the_sources_own_error_is_nowhere_in_what_dagster_keeps(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    project = shop(tmp_path, ORDERS)
    if place == "environment":
        monkeypatch.setenv("SOURCES__SHOP__TOKEN", "geheim-4711")
    else:
        project.write("dlt_project/.dlt/secrets.toml", '[sources.shop]\ntoken = "geheim-4711"\n')
    source = project.root / "dlt_project/shop/source.py"
    source.write_text(
        source.read_text()
        .replace("size: int = 1", "size: int = 1, token: str = dlt.secrets.value")
        .replace("yield", "raise ValueError(f'refused: {token}')\n        yield", 1)
    )
    run = project.run([ROOT], instance)
    assert run.failure is not None
    assert "ValueError: refused: ***" in str(run.failure.description)
    kept = [
        dg.serialize_value(entry)
        for record in instance.get_runs()
        for entry in instance.all_logs(record.run_id)
    ]
    assert kept
    assert not [entry for entry in kept if "geheim-4711" in entry]
    assert "geheim-4711" not in run.error
