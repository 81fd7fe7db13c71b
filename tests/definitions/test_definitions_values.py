from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from odp_dlt.destinations.duckdb import connection
from odp_dlt.errors import ConfigError
from tests.definitions.shop_project import ORDERS, Project, Run, shop

DAILY = '{start: "2026-01-01", schedule_type: DAILY}'


SOURCE_OF_DAYS = """
import dlt


@dlt.source
def shop(days, one=None):
    @dlt.resource(name="orders")
    def orders():
        yield [{"id": n, "kind": day} for n, day in enumerate(days)]

    return orders
"""
ORDERS_OF_DAYS = ORDERS.replace("assets:", "").replace(
    "size: 2", 'days: "{{context.partition_keys}}"'
)


def made_with(project: Project, one: str) -> str:
    """The workflow, with one more param of the source."""
    before = (project.root / "odp_config/workflows/shop.yaml").read_text()
    return before.replace('keys}}"', f'keys}}}}", one: "{one}"')


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


RANGE = {
    "dagster/asset_partition_range_start": "2026-01-02",
    "dagster/asset_partition_range_end": "2026-01-04",
}


def test_a_query_over_a_window_runs_once_for_a_range(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    window = "'{{context.partition_window_start}}|{{context.partition_window_end}}'"
    made = project(
        tmp_path, sql("t/t", f"CREATE TABLE t AS SELECT {window} AS v"), partitions={"t/t": DAILY}
    )
    assert made.run(["t/t"], instance, tags=RANGE).error == ""
    assert value(tmp_path, "t") == "2026-01-02T00:00:00+00:00|2026-01-05T00:00:00+00:00"


def test_a_query_with_a_key_runs_for_each_partition_of_a_range(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    query = "SELECT unnest(range({{#date}}{{context.partition_key}}|%-d{{/date}}))"
    made = project(tmp_path, sql("t/t", query), partitions={"t/t": DAILY})
    assert made.run(["t/t"], instance, tags=RANGE).error == ""
    events = instance.fetch_materializations(dg.AssetKey(["t", "t"]), limit=10).records
    found = {event.partition_key: event.asset_materialization for event in events}
    counts = {key: made and made.metadata["row_count"].value for key, made in found.items()}
    assert counts == {"2026-01-02": 2, "2026-01-03": 3, "2026-01-04": 4}
    assert len(events) == 3


def test_the_keys_of_a_range_are_a_list_for_one_that_takes_them_all(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    made = project(tmp_path, ORDERS_OF_DAYS, partitions={"shop/api/orders": DAILY})
    made.write("dlt_project/shop/source.py", SOURCE_OF_DAYS)
    assert made.run(["shop/api/orders"], instance, tags=RANGE).error == ""
    with connection(tmp_path / "data/shop.db", write=False) as con:
        loads = con.execute("SELECT kind, _dlt_load_id FROM shop_data.orders ORDER BY 1").fetchall()
    assert [day for day, _ in loads] == ["2026-01-02", "2026-01-03", "2026-01-04"]
    assert len({load for _, load in loads}) == 1
    made.workflow(made_with(made, "{{context.partition_key}}"))
    assert "beside context.partition_keys" in said(
        made.run(["shop/api/orders"], instance, tags=RANGE)
    )


def test_two_dimensions_have_a_key_each(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    query = (
        "CREATE TABLE t AS SELECT '{{context.partition_key}} {{context.partition_key.region}} "
        "{{context.partition_key.day}} {{context.partition_window_start}}' AS v"
    )
    dimensions = f"{{dimensions: {{region: {{type: static, keys: [eu, us]}}, day: {DAILY}}}}}"
    made = project(tmp_path, sql("t/t", query), partitions={"t/t": dimensions})
    assert made.run(["t/t"], instance, "2026-01-02|us").error == ""
    assert value(tmp_path, "t") == "2026-01-02|us us 2026-01-02 2026-01-02T00:00:00+00:00"


@pytest.mark.parametrize(
    ("partitions", "name", "problem"),
    [
        (
            "{type: static, keys: [a]}",
            "partition_window_start",
            "'context.partition_window_start' in a template, but the asset's partitions are not of",
        ),
        (DAILY, "partition_key.region", "unknown name 'context.partition_key.region'"),
    ],
)
def test_a_name_that_these_partitions_do_not_have_is_told_before_a_run(
    tmp_path: Path, partitions: str, name: str, problem: str
) -> None:
    made = project(
        tmp_path, sql("t/t", f"SELECT '{{{{context.{name}}}}}'"), partitions={"t/t": partitions}
    )
    with pytest.raises(ConfigError, match=rf"shop\.yaml:5:7: {problem}"):
        made.build()


@pytest.mark.parametrize(
    ("mapping", "expected"), [("", 2), ("identity", 2), ("last", 5), ("all", 5)]
)
def test_deps_mapping_says_which_partition_of_the_parent_is_read(
    tmp_path: Path, instance: dg.DagsterInstance, mapping: str, expected: int
) -> None:
    down = sql("t/down", "CREATE TABLE t AS SELECT {{t_up.row_count}} AS v", "t/up")
    if mapping:
        down = down.replace("    params:", f"    deps_mapping: {{t/up: {mapping}}}\n    params:")
    made = project(
        tmp_path,
        sql("t/up", "SELECT unnest(range({{#date}}{{context.partition_key}}|%-d{{/date}}))"),
        down,
        partitions={"t/up, t/down": DAILY},
    )
    for day in ("2026-01-02", "2026-01-05", "2026-01-03"):
        made.run(["t/up"], instance, day)
    assert made.run(["t/down"], instance, "2026-01-02").error == ""
    assert value(tmp_path, "t") == expected


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
