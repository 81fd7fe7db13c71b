"""A small project on disk: one source with nested rows, a schema file, and SQL after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from odp_dlt.definitions import build_definitions
from odp_dlt.definitions.metadata import for_templates
from odp_dlt.schema.internal import new_schema
from odp_dlt.schema.model import Column, Schema, Table
from odp_dlt.schema.stored import bump, write_schema_file

CONFIG = """
resources:
  - resource_kind: dlt
    params: {project_dir: dlt_project}
  - resource_kind: duckdb
    params: {database: data/shop.db}
"""

ORDERS = """
assets:
  - asset_key: shop/api/orders
    task_type: dlt
    description: Orders of the shop
    group_name: ingest
    params:
      source_module: shop.source
      schema_file_path: shop.schema.yaml
      source_params: {size: 2}
      destination: duckdb
      destination_params: {database: data/shop.db}
      pipeline_params: {dataset_name: shop_data}
      run_params: {write_disposition: append}
"""

LINES = """
  - asset_key: mart/lines
    task_type: duckdb_query
    depends_on: [shop/api/orders__lines]
    params:
      query: |
        CREATE OR REPLACE TABLE lines AS
        SELECT sku, {{shop_api_orders__lines.rows_loaded}} AS loaded
        FROM {{shop_api_orders__lines.destination_table_id}}
"""

SOURCE = """
import dlt


@dlt.source
def shop(size: int = 1):
    @dlt.resource(name="orders")
    def orders():
        yield [{"id": n, "lines": [{"sku": "a"}, {"sku": "b"}]} for n in range(size)]

    return orders
"""


def text(name: str) -> Column:
    return Column(name, "text")


def schema() -> Schema:
    """The tables of `orders`, and of another resource whose name begins like a nested table's."""
    return new_schema("shop").with_tables(
        [
            Table("orders", {"id": Column("id", "bigint", False)}, resource="orders"),
            Table("orders__lines", {"sku": text("sku")}, parent="orders", description="Bought"),
            Table("orders__lines__tags", {"value": text("value")}, parent="orders__lines"),
            Table("orders__events", {"kind": text("kind")}, resource="orders__events"),
        ]
    )


@dataclass(frozen=True)
class Run:
    """What a Dagster run recorded: metadata by asset, and why it failed."""

    made: dict[str, dict[str, Any]]
    failure: dg.Failure | None
    error: str


@dataclass(frozen=True)
class Project:
    """A project in the folder `root`."""

    root: Path

    def write(self, path: str, content: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        return file

    def workflow(self, content: str) -> "Project":
        self.write("odp_config/workflows/shop.yaml", content)
        return self

    def schema(self, stored: Schema) -> None:
        file = self.root / "dlt_project/shop.schema.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_schema_file(bump(stored), file)

    def build(self) -> dg.Definitions:
        return build_definitions(self.root / "odp_config")

    def run(
        self,
        keys: Sequence[str],
        instance: dg.DagsterInstance,
        partition: str | None = None,
        tags: dict[str, str] | None = None,
    ) -> Run:
        """Materialize `keys` in this process."""
        job = self.build().resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(key.split("/")) for key in keys],
            partition_key=partition,
            tags=tags,
            raise_on_error=False,
        )
        made: dict[str, dict[str, Any]] = {}
        for event in result.all_events:
            if event.is_step_materialization:
                found = event.step_materialization_data.materialization
                made[found.asset_key.to_user_string()] = for_templates(found.metadata)
        failures = [e.step_failure_data for e in result.all_events if e.is_step_failure]
        data = failures[0].user_failure_data if failures else None
        failure = data and dg.Failure(data.description, data.metadata)
        error = failures[0].error.to_string() if failures and failures[0].error else ""
        return Run(made, failure, error)


def shop(root: Path, workflow: str = ORDERS + LINES) -> Project:
    """A project that works."""
    project = Project(root)
    project.write("odp_config/dagster_config.yaml", CONFIG)
    project.write("dlt_project/shop/source.py", SOURCE)
    project.schema(schema())
    return project.workflow(workflow)
