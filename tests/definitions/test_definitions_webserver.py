"""The example project in the real webserver, driven over GraphQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.definitions.webserver import Webserver, webserver

ROOT = Path(__file__).parents[2]
DAY = "2026-01-05"

MATERIALIZATIONS = """
query ($key: AssetKeyInput!) {
  assetOrError(assetKey: $key) {
    ... on Asset {
      assetMaterializations(limit: 1) {
        partition
        metadataEntries {
          label
          ... on IntMetadataEntry { intValue }
          ... on FloatMetadataEntry { floatValue }
          ... on TextMetadataEntry { text }
          ... on TableSchemaMetadataEntry {
            schema { columns { name type constraints { nullable } } }
          }
        }
      }
    }
  }
}"""
NODES = """
{ assetNodes {
    assetKey { path } groupName kinds description isExecutable
    dependencyKeys { path }
    metadataEntries { label ... on TextMetadataEntry { text } }
} }"""
RESOURCES = """
query ($repo: RepositorySelector!) {
  allTopLevelResourceDetailsOrError(repositorySelector: $repo) {
    ... on ResourceDetailsList { results { name configuredValues { key value } } }
  }
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webserver]:
    project = tmp_path_factory.mktemp("project")
    for name in ("odp_config", "dlt_project"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    with webserver(project, "odp_config.definitions", project / "home") as running:
        yield running


def metadata(server: Webserver, key: str) -> dict[str, Any]:
    found = server.ask(MATERIALIZATIONS, key={"path": key.split("/")})["assetOrError"]
    (event,) = found["assetMaterializations"]
    values = {}
    for entry in event["metadataEntries"]:
        given = [v for k, v in entry.items() if k not in {"label", "__typename"} and v is not None]
        values[entry["label"]] = given[0] if given else None
    return {**values, "partition": event["partition"]}


def test_a_nested_table_is_materialized_with_its_family_over_graphql(server: Webserver) -> None:
    key = "github/api/pull_requests__labels"
    assert server.materialize(key, partition=DAY) == "SUCCESS"
    labels = metadata(server, key)
    assert labels["destination_table_id"] == "github_data.pull_requests__labels"
    assert labels["partition"] == DAY
    root = metadata(server, "github/api/pull_requests")
    assert root["destination_table_id"] == "github_data.pull_requests"
    assert root["rows_loaded"] == root["dagster/row_count"] > 200
    assert root["load_id"] == labels["load_id"]
    columns = {c["name"]: c for c in root["dagster/column_schema"]["columns"]}
    assert columns["user__login"]["type"] == "VARCHAR"
    assert columns["_dlt_id"]["constraints"]["nullable"] is False

    assert server.materialize("github/reports/labels_by_author") == "SUCCESS"
    report = metadata(server, "github/reports/labels_by_author")
    assert report["destination_table_id"] == "github_reports.labels_by_author"
    assert report["dagster/row_count"] > 0


def test_every_table_is_an_asset_below_its_parent(server: Webserver) -> None:
    nodes = {"/".join(n["assetKey"]["path"]): n for n in server.ask(NODES)["assetNodes"]}
    source, root, labels = (
        nodes[key]
        for key in ("github/api", "github/api/pull_requests", "github/api/pull_requests__labels")
    )
    assert source["isExecutable"] is False
    assert [d["path"] for d in root["dependencyKeys"]] == [["github", "api"]]
    assert [d["path"] for d in labels["dependencyKeys"]] == [["github", "api", "pull_requests"]]
    assert set(labels["kinds"]) == {"dlt", "duckdb"}
    assert root["description"] == "Fetch GitHub pull requests"
    assert root["groupName"] == "data_ingestion"
    texts = {e["label"]: e.get("text") for e in labels["metadataEntries"]}
    assert texts["dagster/table_name"] == "github_data.pull_requests__labels"


def test_resources_show_their_params(server: Webserver) -> None:
    selector = {"repositoryName": "__repository__", "repositoryLocationName": server.location}
    answer = server.ask(RESOURCES, repo=selector)["allTopLevelResourceDetailsOrError"]
    values = {
        r["name"]: {v["key"]: v["value"] for v in r["configuredValues"]} for r in answer["results"]
    }
    assert "dlt_project" in values["dlt"]["project_dir"]
    assert "github.db" in values["duckdb"]["database"]
