"""Partitioned loads: the window is the range of the source, and each partition has its numbers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from odp_dlt.definitions.discover import dlt_asset
from odp_dlt.destinations.duckdb import connection
from tests.definitions.shop_project import ORDERS, Project, Run, shop

ROOT, NESTED = "shop/api/orders", "shop/api/orders__lines"
DAILY = '{start: "2026-01-01", schedule_type: DAILY}'

SOURCE = """
from pathlib import Path

import dlt

LOG = Path(__file__).with_name("asked.log")
BROKEN = Path(__file__).with_name("broken")


@dlt.source
def shop(size: int = 1, region: str = "eu"):
    @dlt.resource(name="orders")
    def orders(at=dlt.sources.incremental("made", initial_value="2020-01-01T00:00:00Z")):
        with LOG.open("a") as log:
            log.write(f"{at.start_value} {at.end_value}\\n")
        if BROKEN.exists() and at.start_value.startswith(BROKEN.read_text()):
            raise RuntimeError("the API is down")
        if BROKEN.with_name("empty").exists():
            return
        for day in range(1, 10):  # n orders on the n-th of January
            yield [
                {"id": day * 100 + n, "made": f"2026-01-{day:02d}T{n:02d}:00:00Z", "region": region,
                 "lines": [{"sku": "a"}]}
                for n in range(day)
            ]

    return orders
"""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def project(root: Path, partitions: str = DAILY, workflow: str = ORDERS) -> Project:
    entry = f"\npartitions:\n  - assets: [{ROOT}]\n    params: {partitions}\n"
    made = shop(root, workflow + entry)
    made.write("dlt_project/shop/source.py", SOURCE)
    return made


def days(first: int, last: int) -> dict[str, str]:
    """The tags of a run for a range."""
    return {
        "dagster/asset_partition_range_start": f"2026-01-0{first}",
        "dagster/asset_partition_range_end": f"2026-01-0{last}",
    }


def asked(made: Project) -> list[str]:
    return (made.root / "dlt_project/shop/asked.log").read_text().splitlines()


def held(root: Path) -> dict[str, int]:
    """How many orders there are of each day, and in all how many lines."""
    with connection(root / "data/shop.db", write=False) as con:
        rows = con.execute(
            "SELECT strftime(made, '%d'), count(*), count(DISTINCT id) FROM shop_data.orders "
            "GROUP BY 1"
        ).fetchall()
        lines = con.execute("SELECT count(*) FROM shop_data.orders__lines").fetchone()
    assert all(count == distinct for _, count, distinct in rows)
    assert lines is not None
    assert lines[0] == sum(count for _, count, _ in rows)
    return {day: count for day, count, _ in sorted(rows)}


def counts(instance: dg.DagsterInstance, key: str) -> dict[str, list[Any]]:
    """Partition → what its materializations say they loaded, oldest first."""
    records = instance.fetch_materializations(dg.AssetKey(key.split("/")), limit=100).records
    found: dict[str, list[Any]] = {}
    for record in reversed(records):
        made = record.asset_materialization
        assert made is not None
        rows = made.metadata.get("rows_loaded")
        found.setdefault(str(record.partition_key), []).append(rows and rows.value)
    return found


def failed(run: Run) -> str:
    assert run.failure is not None, run.error
    return str(run.failure.description)


def test_the_window_of_a_partition_is_the_range_of_the_source(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    made = project(tmp_path)
    run = made.run([ROOT, NESTED], instance, "2026-01-03")
    assert run.error == ""
    assert asked(made) == ["2026-01-03T00:00:00Z 2026-01-04T00:00:00Z"]
    assert held(tmp_path) == {"03": 3}
    assert run.made[ROOT]["rows_loaded"] == run.made[ROOT]["dagster/partition_row_count"] == 3


def test_a_window_is_that_of_the_time_zone(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    made = project(
        tmp_path,
        '{start: "2026-01-01", schedule_type: DAILY, timezone: Asia/Tokyo, hour_offset: 6}',
    )
    assert made.run([ROOT], instance, "2026-01-03").error == ""
    assert asked(made) == ["2026-01-02T21:00:00Z 2026-01-03T21:00:00Z"]


def test_partitions_in_any_order_leave_a_live_cursor_alone(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    made = project(tmp_path)
    for day in (5, 2, 9, 4):
        assert made.run([ROOT], instance, f"2026-01-0{day}").error == ""
    assert held(tmp_path) == {"02": 2, "04": 4, "05": 5, "09": 9}
    made.workflow(ORDERS)  # as it would be without partitions
    assert made.run([ROOT], instance).error == ""
    assert asked(made)[-1] == "2020-01-01T00:00:00Z None"


def test_a_window_that_is_to_be_ignored_leaves_the_source_to_its_state(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    workflow = ORDERS.replace("append}", "append, window: ignore}")
    made = project(tmp_path, workflow=workflow)
    for day in (3, 4):
        assert made.run([ROOT], instance, f"2026-01-0{day}").error == ""
    assert asked(made) == ["2020-01-01T00:00:00Z None", "2026-01-09T08:00:00Z None"]
    assert sum(held(tmp_path).values()) == 45


def test_a_partition_that_is_loaded_again_replaces_its_rows(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    made = project(tmp_path)
    for day in (3, 4, 3, 3):
        assert made.run([ROOT], instance, f"2026-01-0{day}").error == ""
    assert held(tmp_path) == {"03": 3, "04": 4}
    assert made.run([ROOT], instance, tags=days(2, 4)).error == ""
    assert held(tmp_path) == {"02": 2, "03": 3, "04": 4}


def test_a_partition_can_be_added_to(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    made = project(tmp_path, workflow=ORDERS.replace("append}", "append, rerun: append}"))
    for _ in range(2):
        assert made.run([ROOT], instance, "2026-01-03").error == ""
    with connection(tmp_path / "data/shop.db", write=False) as con:
        assert con.execute("SELECT count(*) FROM shop_data.orders").fetchall() == [(6,)]


def test_two_assets_do_not_replace_the_partitions_of_each_other(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    of_us = (
        ORDERS.replace("assets:\n", "")
        .replace("shop/api", "shop/us")
        .replace("{size: 2}", "{region: us}")
    )
    made = project(tmp_path, workflow=ORDERS + of_us)
    made.workflow(
        (tmp_path / "odp_config/workflows/shop.yaml")
        .read_text()
        .replace(f"[{ROOT}]", f"[{ROOT}, shop/us/orders]")
        .replace("shop_data}", "shop_data, pipeline_name: shop}")
    )
    for key in (ROOT, "shop/us/orders", ROOT):
        assert made.run([key], instance, "2026-01-03").error == ""
    with connection(tmp_path / "data/shop.db", write=False) as con:
        found = con.execute("SELECT region, count(*) FROM shop_data.orders GROUP BY 1 ORDER BY 1")
        assert found.fetchall() == [("eu", 3), ("us", 3)]


def test_a_range_has_the_numbers_of_each_partition(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    made = project(tmp_path)
    assert made.run([ROOT, NESTED], instance, tags=days(2, 4)).error == ""
    assert held(tmp_path) == {"02": 2, "03": 3, "04": 4}
    for key in (ROOT, NESTED):
        assert counts(instance, key) == {"2026-01-02": [2], "2026-01-03": [3], "2026-01-04": [4]}
    with connection(tmp_path / "data/shop.db", write=False) as con:
        loads = con.execute("SELECT count(DISTINCT _dlt_load_id) FROM shop_data.orders").fetchall()
    assert loads == [(3,)]


def test_a_range_that_refreshes_forgets_once(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    made = project(tmp_path)
    assert made.run([ROOT], instance, "2026-01-07").error == ""
    made = project(tmp_path, workflow=ORDERS.replace("append}", "append, refresh: drop_data}"))
    assert made.run([ROOT], instance, tags=days(2, 4)).error == ""
    assert held(tmp_path) == {"02": 2, "03": 3, "04": 4}


def test_the_siblings_of_a_selected_table_have_them_too(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    made = project(tmp_path)
    assert made.run([NESTED], instance, tags=days(2, 3)).error == ""
    for key in (ROOT, NESTED):
        assert counts(instance, key) == {"2026-01-02": [2], "2026-01-03": [3]}


def test_a_range_of_one_partition_has_its_key(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    workflow = ORDERS.replace("{size: 2}", '{region: "{{context.partition_key}}"}')
    made = project(tmp_path, workflow=workflow)
    assert made.run([ROOT], instance, tags=days(3, 3)).error == ""
    assert counts(instance, ROOT) == {"2026-01-03": [3]}
    with connection(tmp_path / "data/shop.db", write=False) as con:
        found = con.execute("SELECT DISTINCT region FROM shop_data.orders").fetchall()
    assert found == [("2026-01-03",)]


def test_what_a_range_has_loaded_before_it_failed_counts(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    made = project(tmp_path)
    broken = made.write("dlt_project/shop/broken", "2026-01-04")
    assert "the API is down" in failed(made.run([NESTED], instance, tags=days(2, 5)))
    assert held(tmp_path) == {"02": 2, "03": 3}
    for key in (ROOT, NESTED):
        assert counts(instance, key) == {"2026-01-02": [2], "2026-01-03": [3]}
    broken.unlink()
    assert made.run([NESTED], instance, tags=days(4, 5)).error == ""
    assert held(tmp_path) == {"02": 2, "03": 3, "04": 4, "05": 5}


def test_a_retry_of_a_range_goes_on_where_the_try_before_ended(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    made = project(
        tmp_path, workflow=ORDERS.replace("    params:", "    retry_policy: {}\n    params:")
    )
    source = made.root / "dlt_project/shop/source.py"
    source.write_text(
        source.read_text()
        .replace("import dlt\n", "import dlt\nfrom odp_dlt.errors import DestinationBusy\n", 1)
        .replace(
            'raise RuntimeError("the API is down")',
            'BROKEN.unlink()\n            raise DestinationBusy("not now")',
        )
    )
    made.write("dlt_project/shop/broken", "2026-01-04")
    assert made.run([ROOT], instance, tags=days(2, 5)).error == ""
    assert [line[:10] for line in asked(made)] == [
        "2026-01-02", "2026-01-03", "2026-01-04", "2026-01-04", "2026-01-05",
    ]  # fmt: skip
    assert held(tmp_path) == {"02": 2, "03": 3, "04": 4, "05": 5}
    said = {day: set(rows) for day, rows in counts(instance, ROOT).items()}
    assert said == {f"2026-01-0{day}": {day} for day in (2, 3, 4, 5)}


def test_of_two_dimensions_the_one_of_time_is_the_window(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    dimensions = f"{{dimensions: {{region: {{type: static, keys: [eu, us]}}, day: {DAILY}}}}}"
    workflow = ORDERS.replace("{size: 2}", '{region: "{{context.partition_key.region}}"}')
    made = project(tmp_path, dimensions, workflow)
    for key in ("2026-01-02|us", "2026-01-02|eu", "2026-01-03|us", "2026-01-02|us"):
        assert made.run([ROOT], instance, key).error == ""
    with connection(tmp_path / "data/shop.db", write=False) as con:
        found = con.execute(
            "SELECT region, strftime(made, '%d'), count(*) FROM shop_data.orders "
            "GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
    assert found == [("eu", "02", 2), ("us", "02", 2), ("us", "03", 3)]


def test_static_and_dynamic_partitions_have_no_window(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    workflow = ORDERS.replace("{size: 2}", '{region: "{{context.partition_key}}"}')
    made = project(tmp_path, "{type: static, keys: [eu, us]}", workflow)
    assert made.run([ROOT], instance, "us").error == ""
    made = project(tmp_path, "{type: dynamic, name: regions}", workflow)
    instance.add_dynamic_partitions("regions", ["nz"])
    assert made.run([ROOT], instance, "nz").error == ""
    assert asked(made) == ["2020-01-01T00:00:00Z None", "2026-01-09T08:00:00Z None"]


def test_a_cursor_whose_type_is_not_known_says_what_to_do(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    made = project(tmp_path)
    source = made.root / "dlt_project/shop/source.py"
    source.write_text(source.read_text().replace(', initial_value="2020-01-01T00:00:00Z"', ""))
    said = failed(made.run([ROOT], instance, "2026-01-03"))
    assert "cannot be the range of the cursor 'made': without an initial_value" in said
    assert "run_params: {window: ignore}" in said


def test_a_schema_is_learned_from_the_partition_that_is_named(tmp_path: Path) -> None:
    made = project(tmp_path)
    dlt_asset(tmp_path / "odp_config", ROOT, "2026-01-03").discover(None, lambda _: None)
    assert asked(made) == ["2026-01-03T00:00:00Z 2026-01-04T00:00:00Z"]


def test_no_rows_for_a_partition_that_has_some_are_an_error(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    made = project(tmp_path)
    made.run([ROOT], instance, "2026-01-03")
    made.write("dlt_project/shop/empty", "")
    said = failed(made.run([ROOT], instance, "2026-01-03"))
    assert "no rows came for 'shop/api/orders:2026-01-03', of which 3 are there" in said
    assert held(tmp_path) == {"03": 3}
