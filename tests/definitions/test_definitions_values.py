from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from odp_dlt.destinations.duckdb import connection
from tests.definitions.shop_project import Project, Run, shop

DAILY = '{start: "2026-01-01", schedule_type: DAILY}'


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def sql(key: str, query: str, *depends_on: str) -> str:
    above = f"    depends_on: [{', '.join(depends_on)}]\n" if depends_on else ""
    return f"""
  - asset_key: {key}
    task_type: duckdb_query
{above}    params:
      query: |
        {query}
"""


def project(root: Path, *assets: str, partitions: dict[str, str] | None = None) -> Project:
    with connection(root / "data/shop.db"):  # a query that only reads wants it to be there
        pass
    entries = "".join(
        f"  - assets: [{key}]\n    params: {params}\n" for key, params in (partitions or {}).items()
    )
    return shop(root, "assets:" + "".join(assets) + (f"partitions:\n{entries}" if entries else ""))


def value(root: Path, table: str) -> object:
    with connection(root / "data/shop.db", write=False) as con:
        found = con.execute(f"SELECT v FROM {table}").fetchone()
    return found[0] if found else None


def said(run: Run) -> str:
    assert run.failure is not None, run.error
    return str(run.failure.description)


def test_the_run_its_partition_and_resources_are_filled_in(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    query = (
        "CREATE TABLE t AS SELECT '{{context.partition_key}}|{{context.partition_window_start}}|"
        "{{context.partition_window_end}}|{{#date}}{{context.partition_key}}|%d.%m.%Y{{/date}}|"
        "{{resource.duckdb.database}}' AS v"
    )
    made = project(tmp_path, sql("t/t", query), partitions={"t/t": DAILY})
    assert made.run(["t/t"], instance, "2026-01-02").error == ""
    assert value(tmp_path, "t") == (
        "2026-01-02|2026-01-02T00:00:00+00:00|2026-01-03T00:00:00+00:00|02.01.2026|"
        f"{tmp_path}/data/shop.db"
    )


def test_the_run_id_is_eight_characters_and_nothing_is_escaped_for_html(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNS", '<&">')
    query = "CREATE TABLE t AS SELECT length('{{context.run_id}}') || '{{env.SIGNS}}' AS v"
    project(tmp_path, sql("t/t", query)).run(["t/t"], instance)
    assert value(tmp_path, "t") == '8<&">'


def test_a_range_of_partitions_has_a_window_and_no_key(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    tags = {
        "dagster/asset_partition_range_start": "2026-01-02",
        "dagster/asset_partition_range_end": "2026-01-04",
    }
    window = "CREATE TABLE t AS SELECT '{{context.partition_window_end}}' AS v"
    made = project(
        tmp_path,
        sql("t/t", window),
        sql("t/u", "SELECT '{{context.partition_key}}'"),
        partitions={"t/t, t/u": DAILY},
    )
    assert made.run(["t/t"], instance, tags=tags).error == ""
    assert value(tmp_path, "t") == "2026-01-05T00:00:00+00:00"
    assert "the run is for 3 partitions" in said(made.run(["t/u"], instance, tags=tags))


def test_parents_of_the_same_partitions_are_read_at_the_same_one(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    made = project(
        tmp_path,
        sql("t/up", "SELECT unnest(range({{#date}}{{context.partition_key}}|%-d{{/date}}))"),
        sql("t/down", "CREATE TABLE t AS SELECT {{t_up.row_count}} AS v", "t/up"),
        partitions={"t/up, t/down": DAILY},
    )
    for day in ("2026-01-02", "2026-01-05", "2026-01-03"):
        made.run(["t/up"], instance, day)
    assert made.run(["t/down"], instance, "2026-01-02").error == ""
    assert value(tmp_path, "t") == 2


def test_without_partitions_of_its_own_the_last_one_in_time_counts_not_the_last_run(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    made = project(
        tmp_path,
        sql("t/up", "SELECT unnest(range({{#date}}{{context.partition_key}}|%-d{{/date}}))"),
        sql("t/down", "CREATE TABLE t AS SELECT {{t_up.row_count}} AS v", "t/up"),
        partitions={"t/up": DAILY},
    )
    for day in ("2026-01-05", "2026-01-03"):
        made.run(["t/up"], instance, day)
    made.run(["t/down"], instance)
    assert value(tmp_path, "t") == 5


def test_with_other_partitions_the_last_one_that_ended_by_then_counts(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    made = project(
        tmp_path,
        sql("t/up", "SELECT unnest(range({{#date}}{{context.partition_key}}|%-d{{/date}}))"),
        sql("t/down", "CREATE TABLE t AS SELECT {{t_up.row_count}} AS v", "t/up"),
        partitions={
            "t/up": DAILY,
            "t/down": '{start: "2026-01-01", schedule_type: MONTHLY, end: "2026-04-01"}',
        },
    )
    for day in ("2026-01-30", "2026-02-02"):
        made.run(["t/up"], instance, day)
    made.run(["t/down"], instance, "2026-01-01")
    assert value(tmp_path, "t") == 30


def test_metadata_that_a_parent_lacks_is_told_with_what_it_has(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    made = project(
        tmp_path,
        sql("t/up", "SELECT 1 AS one"),
        sql("t/down", "SELECT {{t_up.destination_table_id}}", "t/up"),
    )
    never = said(made.run(["t/down"], instance))
    assert "asset 't_up' has no metadata 'destination_table_id' (it has: none)" in never
    assert "Materialize 't_up' first" in never
    made.run(["t/up"], instance)
    run = made.run(["t/down"], instance)
    assert "(it has: column_names, row_count)" in said(run)
    assert "odp_config/workflows/shop.yaml:12:7:" in said(run)
    assert run.failure is not None
    assert run.failure.metadata["exit_code"].value == 2


def test_a_variable_of_the_environment_that_is_not_set_fails_the_run(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    run = project(tmp_path, sql("t/t", "SELECT '{{env.NOWHERE}}'")).run(["t/t"], instance)
    assert "the environment variable 'NOWHERE' is not set" in said(run)


def test_a_lone_variable_keeps_its_type(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    made = shop(tmp_path)
    made.write(
        "dlt_project/shop/source.py",
        "import dlt\n\n\n@dlt.source\ndef shop(size):\n"
        "    return dlt.resource([{'id': 1, 'kind': type(size).__name__}], name='orders')\n",
    )
    workflow = (made.root / "odp_config/workflows/shop.yaml").read_text()
    orders = workflow.partition("  - asset_key: mart")[0]
    with connection(tmp_path / "data/shop.db"):
        pass
    orders = orders.replace("size: 2", 'size: "{{t_up.row_count}}"')
    orders = orders.replace("    params:", "    depends_on: [t/up]\n    params:", 1)
    made.workflow(orders + sql("t/up", "SELECT 1"))
    run = made.run(["t/up", "shop/api/orders"], instance)
    assert run.error == ""
    with connection(tmp_path / "data/shop.db", write=False) as con:
        assert con.execute("SELECT kind FROM shop_data.orders").fetchall() == [("int",)]
