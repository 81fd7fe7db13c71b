"""What a person must be able to rely on in Dagster: twenty cases, and the tests that hold them.

 1. No new rows: `test_a_table_that_got_nothing_reports_no_rows`,
    `test_a_table_that_does_not_exist_reports_nothing`.
 2. One nested table selected in the browser:
    `test_a_nested_table_is_materialized_with_its_family_over_graphql`.
 3. A load that fails records no table, one that is made before a failure is recorded:
    `test_a_load_that_fails_halfway_records_no_table_and_leaves_the_last_one` (here),
    `test_a_blocking_check_fails_the_step_after_all_is_told_and_is_not_tried_again`.
 4. The numbers of each partition of a range: `test_a_range_has_the_numbers_of_each_partition`.
 5. A range of one partition: `test_a_range_of_one_partition_has_its_key`.
 6. Two loads into one file at once:
    `test_two_assets_load_into_one_file_from_processes_of_their_own`.
 7. Partitions of one pipeline at once:
    `test_thirty_days_backfilled_at_once_are_all_there_and_no_row_twice`.
 8. Two runs in one process: `test_a_second_run_adds_rows_and_counts_both`,
    `test_a_sibling_project_in_one_process_is_another_project`.
 9. Names of resources and tables: `test_names_that_begin_alike_are_kept_apart` (here),
    `test_every_table_of_the_resource_is_an_asset_and_no_other`,
    `test_the_root_keeps_the_assets_key_when_its_table_is_called_otherwise`.
10. Templates keep their values:
    `test_the_run_id_is_eight_characters_and_nothing_is_escaped_for_html`,
    `test_a_lone_variable_keeps_its_type`,
    `test_what_is_written_wrong_is_told_with_its_place_and_the_nearest_name`.
11. Blocking checks:
    `test_a_blocking_check_fails_the_step_after_all_is_told_and_is_not_tried_again`.
12. Termination: `test_a_terminated_run_lets_go_of_all_and_the_next_one_succeeds` (here).
13. Progress: `test_progress_is_in_the_browser_before_the_load_ends` (here),
    `test_a_long_load_tells_what_it_has_done_before_it_ends`.
14. Secrets: `test_no_secret_is_in_anything_that_dagster_answers_or_keeps` (here),
    `test_a_secret_in_the_sources_own_error_is_nowhere_in_what_dagster_keeps`,
    `test_params_and_secrets_in_them_are_nowhere_in_the_definitions`.
15. Definitions are cheap and pure: `test_importing_the_facade_is_cheap`,
    `test_building_executes_no_source_imports_no_driver_and_warns_of_nothing`,
    `test_building_opens_no_connection_and_no_file_of_secrets`.
16. Components: `test_dg_lists_scaffolds_and_checks_the_components`,
    `test_templates_of_inline_workflows_are_left_to_the_run`.
17. Files written for dagster-odp: `test_a_workflow_of_dagster_odp_has_the_same_keys` (here),
    `test_keys_without_effect_become_comments_and_the_rest_stays_as_it_is`.
18. No schema file: `test_a_missing_schema_file_leaves_the_root_table_until_it_is_discovered`.
19. No warning: `test_building_executes_no_source_imports_no_driver_and_warns_of_nothing`.
20. Keys that meet: `test_a_nested_table_that_is_another_asset_too_is_told_with_both_places`,
    `test_keys_that_become_one_name_in_dagster_are_told`.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from filelock import FileLock

from odp_dlt.destinations.duckdb import connection
from odp_dlt.schema.internal import new_schema
from odp_dlt.schema.model import Column, Table
from tests.definitions.shop_project import CONFIG, ORDERS, Project, shop
from tests.definitions.webserver import PATIENCE_S, Webserver, webserver

ROWS = 20_000
TOKEN, PASSWORD = "geheim-4711", "geheim-0815"

ASSET = """
  - asset_key: {name}/orders
    task_type: dlt
    params:
      source_module: shop.source
      schema_file_path: shop.schema.yaml
      source_params: {{name: {name}}}
      destination: slow_place.SlowDuckdb
      destination_params: {{database: data/shop.db, token: {password}}}
      pipeline_params: {{dataset_name: {name}}}
      run_params: {{write_disposition: append}}
"""
QUERY = """
  - asset_key: mart/counted
    task_type: duckdb_query
    params: {query: counted.sql, is_file: true}
"""
SOURCE = f"""
import time
from pathlib import Path

import dlt

HERE = Path(__file__).parent


@dlt.source
def shop(name: str, token: str = dlt.secrets.value):
    @dlt.resource(name="orders")
    def orders():
        yield [{{"id": n, "lines": [{{"sku": "a"}}]}} for n in range({ROWS})]
        while (HERE / f"{{name}}.waits").exists():
            time.sleep(0.1)
        if name == "leaky":
            raise ValueError(f"refused: {{token}}")

    return orders
"""
PLACE = """
import time
from contextlib import contextmanager
from pathlib import Path

from odp_dlt.destinations.duckdb import Duckdb

HERE = Path(__file__).parent


class SlowDuckdb(Duckdb):
    @contextmanager
    def open(self, dataset, *, write=True):
        with super().open(dataset, write=write) as session:
            yield session
            while write and (HERE / "commit.waits").exists():
                (HERE / "all.written").touch()
                time.sleep(0.1)
"""
ENDLESS = "CREATE TABLE counted AS SELECT sum(a.range) FROM range(10000000) a, range(10000000) b"
DEFINITIONS = """
from pathlib import Path

from odp_dlt.definitions import build_definitions

defs = build_definitions(Path(__file__).parent)
"""

EVENTS = """
query ($key: AssetKeyInput!) {
  assetOrError(assetKey: $key) {
    ... on Asset {
      assetMaterializations(limit: 1) { timestamp }
      assetObservations(limit: 5) {
        metadataEntries {
          label
          ... on IntMetadataEntry { intValue }
          ... on TextMetadataEntry { text }
        }
      }
    }
  }
}"""
ENTRIES = """
metadataEntries {
  label description
  ... on TextMetadataEntry { text }
  ... on MarkdownMetadataEntry { mdStr }
  ... on PathMetadataEntry { path }
  ... on JsonMetadataEntry { jsonString }
}"""
ERROR = "error { message stack causes { message stack } errorChain { error { message stack } } }"
NODES = f"{{ assetNodes {{ assetKey {{ path }} description opVersion {ENTRIES} }} }}"
RESOURCES = """
query ($repo: RepositorySelector!) {
  allTopLevelResourceDetailsOrError(repositorySelector: $repo) {
    ... on ResourceDetailsList { results { name description configuredValues { key value } } }
  }
}"""
CONFIG_SCHEMA = """
query ($selector: PipelineSelector!) {
  runConfigSchemaOrError(selector: $selector, mode: "default") {
    __typename
    ... on RunConfigSchema {
      rootDefaultYaml
      allConfigTypes {
        key description
        ... on CompositeConfigType { fields { name description defaultValueAsJson } }
      }
    }
  }
}"""
LOGS = f"""
query ($id: ID!) {{
  logsForRun(runId: $id, limit: 1000) {{
    ... on EventConnection {{
      events {{
        __typename
        ... on MessageEvent {{ message }}
        ... on LogsCapturedEvent {{ fileKey }}
        ... on ObservationEvent {{ {ENTRIES} }}
        ... on RunFailureEvent {{ {ERROR} }}
        ... on ExecutionStepFailureEvent {{ {ERROR} failureMetadata {{ {ENTRIES} }} }}
      }}
    }}
  }}
  runOrError(runId: $id) {{ ... on Run {{ runConfigYaml tags {{ key value }} }} }}
}}"""
CAPTURED = "query ($key: [String!]!) { capturedLogs(logKey: $key) { stdout stderr } }"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = shop(tmp_path_factory.mktemp("shop"))
    names = ("waiting", "held", "leaky")
    workflow = "".join(ASSET.format(name=name, password=PASSWORD) for name in names)
    made.workflow(f"assets:{workflow}{QUERY}")
    made.write("odp_config/__init__.py", "")
    made.write("odp_config/definitions.py", DEFINITIONS)
    made.write("dlt_project/shop/source.py", SOURCE)
    made.write("dlt_project/.dlt/secrets.toml", f'[sources.shop]\ntoken = "{TOKEN}"\n')
    made.write("slow_place.py", PLACE)
    made.write("counted.sql", ENDLESS)
    (made.root / "tmp").mkdir()
    return made


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Webserver]:
    root = project.root
    variables = {"TMPDIR": str(root / "tmp")}
    with webserver(root, "odp_config.definitions", root / "home", variables=variables) as running:
        yield running


def until(happened: Callable[[], Any]) -> Any:
    """What `happened` gives, once it is something."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if found := happened():
            return found
        time.sleep(0.2)
    raise TimeoutError("it has not happened")


def is_held(database: Path) -> bool:
    """Whether another process writes to the file."""
    if not database.exists():
        return False
    try:
        duckdb.connect(str(database), read_only=True).close()
    except duckdb.IOException as e:
        return "lock" in str(e)
    return False


def work_folders(project: Project) -> list[Path]:
    return list((project.root / "tmp").glob("**/odp-load-*"))


def events(server: Webserver, key: str) -> tuple[list[dict[str, Any]], int]:
    """The observations of an asset, the last one first; and how often it was materialized."""
    found = server.ask(EVENTS, key={"path": key.split("/")})["assetOrError"]
    told = [
        {one["label"]: one.get("intValue", one.get("text")) for one in event["metadataEntries"]}
        for event in found.get("assetObservations", ())
    ]
    return told, len(found.get("assetMaterializations", ()))


def count(project: Project, table: str) -> int:
    with connection(project.root / "data/shop.db", write=False) as con:
        found = con.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(found[0]) if found else -1


def test_progress_is_in_the_browser_before_the_load_ends(
    project: Project, server: Webserver
) -> None:
    wait = project.write("dlt_project/shop/waiting.waits", "")
    run = server.launch("waiting/orders")
    told = until(lambda: events(server, "waiting/orders")[0])
    assert told[-1]["phase"] == "extract"
    assert 0 < told[-1]["rows_so_far"] <= ROWS
    assert events(server, "waiting/orders")[1] == 0
    wait.unlink()
    assert server.wait(run) == "SUCCESS"
    assert events(server, "waiting/orders")[1] == 1


@pytest.mark.parametrize("key", ["held/orders", "mart/counted"])
def test_a_terminated_run_lets_go_of_all_and_the_next_one_succeeds(
    project: Project, server: Webserver, key: str
) -> None:
    database, wait = project.root / "data/shop.db", project.write("commit.waits", "")
    project.write("counted.sql", ENDLESS)
    run = server.launch(key)
    if key == "held/orders":  # all rows are in the transaction, and it is not committed
        until((project.root / "all.written").exists)
        assert work_folders(project)
    until(lambda: is_held(database))
    server.terminate(run)
    assert server.wait(run) == "CANCELED"
    assert not is_held(database)
    assert work_folders(project) == []
    with FileLock(database.with_name(".shop.db.lock"), timeout=0):
        pass
    wait.unlink()
    project.write("counted.sql", "CREATE OR REPLACE TABLE counted AS SELECT 1 AS n")
    assert server.materialize(key) == "SUCCESS"
    table, rows = {"held/orders": ("held.orders", ROWS), "mart/counted": ("counted", 1)}[key]
    assert count(project, table) == rows


def test_no_secret_is_in_anything_that_dagster_answers_or_keeps(
    project: Project, server: Webserver
) -> None:
    key = "leaky/orders"
    run = server.launch(key)
    assert server.wait(run) == "FAILURE"
    logs = server.ask(LOGS, id=run)
    files = {one["fileKey"] for one in logs["logsForRun"]["events"] if "fileKey" in one}
    captured = [server.ask(CAPTURED, key=[run, "compute_logs", file]) for file in files]
    repo = {"repositoryName": "__repository__", "repositoryLocationName": server.location}
    schema = server.ask(CONFIG_SCHEMA, selector=server.selector(key))
    answers = [logs, captured, schema, server.ask(NODES), server.ask(RESOURCES, repo=repo)]
    shown = [str(answer) for answer in answers]
    told = ("refused: ***", "refused: ***", "limit", "leaky", "duckdb")
    for text, said in zip(shown, told, strict=True):
        assert said in text
    kept = [file for file in (project.root / "home").rglob("*") if file.is_file()]
    assert any(b"refused: ***" in file.read_bytes() for file in kept)
    for secret in (TOKEN, PASSWORD):
        assert not [text for text in shown if secret in text]
        assert not [file for file in kept if secret.encode() in file.read_bytes()]


def test_a_load_that_fails_halfway_records_no_table_and_leaves_the_last_one(tmp_path: Path) -> None:
    made = shop(tmp_path)
    source = tmp_path / "dlt_project/shop/source.py"
    broken = "        if size == 3:\n            raise ValueError\n\n    return"
    source.write_text(source.read_text().replace("    return", broken))
    with dg.DagsterInstance.ephemeral() as instance:
        first = made.run(["shop/api/orders"], instance).made
        made.workflow(ORDERS.replace("size: 2", "size: 3"))
        failed = made.run(["shop/api/orders", "shop/api/orders__lines"], instance)
        last = instance.get_latest_materialization_event(dg.AssetKey(["shop", "api", "orders"]))
    assert failed.failure is not None
    assert failed.made == {}
    assert last is not None
    assert last.asset_materialization is not None
    told = last.asset_materialization.metadata["load_id"].value
    assert told == first["shop/api/orders"]["load_id"]
    assert (count(made, "shop_data.orders"), count(made, "shop_data.orders__lines")) == (2, 4)


def test_names_that_begin_alike_are_kept_apart(tmp_path: Path) -> None:
    names = {"pull": "pull", "pull_requests": "pull_requests", "issues__events": "issues__events"}
    names |= {"Issues": "issues"}
    made = shop(tmp_path)
    columns = {"id": Column("id", "bigint")}
    roots = [Table(table, columns, resource=name) for name, table in names.items()]
    nested = [Table(f"{table}__tags", columns, parent=table) for table in names.values()]
    made.schema(new_schema("shop").with_tables([*roots, *nested]))
    entry = ORDERS.partition("assets:\n")[2]
    made.workflow("assets:\n" + "".join(entry.replace("/orders", f"/{name}") for name in names))
    graph = made.build().resolve_asset_graph()
    parents = {
        key.to_user_string(): {one.to_user_string() for one in graph.get(key).parent_keys}
        for key in graph.materializable_asset_keys
    }
    assert parents == {
        **{f"shop/api/{name}": {"shop/api"} for name in names},
        **{f"shop/api/{table}__tags": {f"shop/api/{name}"} for name, table in names.items()},
    }


def test_a_workflow_of_dagster_odp_has_the_same_keys(tmp_path: Path) -> None:
    made = shop(tmp_path)
    made.write("odp_config/dagster_config.yaml", CONFIG.replace("database:", "database_path:"))
    made.workflow(
        ORDERS
        + """
  - asset_key: raw/prices
    task_type: file_to_duckdb
    group_name: ingest
    params: {source_file_uri: prices.csv, destination_table_id: prices}
  - asset_key: mart/prices
    task_type: duckdb_query
    depends_on: [raw/prices, shop/api/orders]
    params:
      query: >
        CREATE OR REPLACE TABLE p AS SELECT * FROM {{raw_prices.destination_table_id}}
        WHERE day = '{{#date}}{{context.partition_key}}|%Y-%m-%d{{/date}}'
  - asset_key: out/prices
    task_type: duckdb_table_to_file
    depends_on: [mart/prices]
    params: {source_table_id: p, destination_file_uri: "{{resource.duckdb.database_path}}.csv"}
  - asset_key: out/told
    task_type: shell_command
    depends_on: [out/prices]
    params: {command: "echo {{context.run_id}}", env_vars: {A: b}, working_dir: /}
partitions:
  - assets: [mart/prices]
    params: {start: "2024-01-01", schedule_type: DAILY, hour_offset: 0}
jobs:
  - job_id: prices
    asset_selection: [mart/prices]
    triggers:
      - trigger_id: daily
        trigger_type: schedule
        params: {schedule_kind: partition, schedule_params: {hour_of_day: 3}}
"""
    )
    keys = {key.to_user_string() for key in made.build().resolve_all_asset_keys()}
    own = {"raw/prices", "mart/prices", "out/prices", "out/told"}
    tables = {"shop/api/orders", "shop/api/orders__lines", "shop/api/orders__lines__tags"}
    assert keys == {"shop/api"} | own | tables
