"""The example's files: what the README and the docs quote of them stays true."""

from pathlib import Path

from odp_dlt.workflow.load import load_workflow

ROOT = Path(__file__).parents[2]


def test_the_example_holds_the_loads_and_reports_that_the_docs_show() -> None:
    workflow = load_workflow(ROOT / "odp_config")

    assert {asset.asset_key: asset.task_type for asset in workflow.assets} == {
        "github/api/pull_requests": "dlt",
        "github/reports/labels_by_author": "duckdb_query",
        "git/history/commits": "dlt",
        "git/reports/churn_by_author": "duckdb_query",
        "helpdesk/api/tickets": "dlt",
        "helpdesk/api/comments": "dlt",
    }
    assert workflow.root == ROOT


def test_the_canonical_asset_differs_by_the_sample_alone() -> None:
    workflow = load_workflow(ROOT / "odp_config")
    (pulls,) = [a for a in workflow.assets if a.asset_key == "github/api/pull_requests"]

    assert pulls.params == {
        "source_module": "github.source",
        "schema_file_path": "schemas/export/github.schema.yaml",
        "source_params": {
            "repo": "dagster-io/dagster",
            "since": "{{#date}}{{context.partition_key}}|%Y-%m-%d{{/date}}",
            "api_url": "sample",
        },
        "destination": "duckdb",
        "destination_params": {"database": "data/github.db"},
        "pipeline_params": {"dataset_name": "github_data"},
        "run_params": {"write_disposition": "append"},
    }


def test_no_secret_is_committed_with_the_example() -> None:
    assert "**/.dlt/secrets.toml" in (ROOT / ".gitignore").read_text().splitlines()
