from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from odp_dlt.errors import ConfigError
from tests.definitions.shop_project import CONFIG, LINES, ORDERS, Project, shop


def selected(root: Path, *selection: str) -> set[str]:
    listed = "".join(f"      - '{one}'\n" for one in selection)
    jobs = f"jobs:\n  - job_id: nightly\n    description: By night\n    asset_selection:\n{listed}"
    defs = shop(root, f"{ORDERS}{LINES}{jobs}").build()
    job = defs.resolve_job_def("nightly")
    assert job.description == "By night"
    return {key.to_user_string() for key in job.asset_layer.selected_asset_keys}


def test_a_job_selects_assets_in_dagsters_ways(tmp_path: Path) -> None:
    nested = "shop/api/orders__lines"
    assert selected(tmp_path, nested) == {nested}
    assert selected(tmp_path, "shop/api/orders__lines*") == {
        nested,
        f"{nested}__tags",
        "mart/lines",
    }
    assert selected(tmp_path, 'group:"ingest"', "mart/lines") == {
        "shop/api/orders",
        nested,
        f"{nested}__tags",
        "mart/lines",
    }


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (
            "shop/api/ordres",
            r":28:9: there is no asset 'shop/api/ordres'(.|\n)*'shop/api/orders'\?",
        ),
        ("shop/api/ordres*", r"there is no asset 'shop/api/ordres'"),
        ('key:"mart/line"+', r"there is no asset 'mart/line'(.|\n)*'mart/lines'\?"),
        ('group:"nobody"', r"'group:\"nobody\"' selects no asset"),
        ("(((", r"'\(\(\(' is not possible"),
    ],
)
def test_a_selection_of_nothing_is_told(tmp_path: Path, selection: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        selected(tmp_path, selection)


def test_a_job_runs(tmp_path: Path) -> None:
    jobs = "jobs:\n  - {job_id: all_of_it, asset_selection: ['*']}\n"
    defs = shop(tmp_path, f"{ORDERS}{LINES}{jobs}").build()
    with dg.DagsterInstance.ephemeral() as instance:
        assert defs.resolve_job_def("all_of_it").execute_in_process(instance=instance).success


def with_jobs(root: Path, jobs: str, workflow: str = ORDERS + LINES) -> Project:
    return shop(root, f"{workflow}jobs:\n{jobs}")


def said_of(project: Project) -> str:
    with pytest.raises(ConfigError) as e:
        project.build()
    return str(e.value)


NIGHTLY = """
  - job_id: nightly
    asset_selection: ["*"]
"""


def test_a_job_has_tags_and_its_runs_have_them_and_more(tmp_path: Path) -> None:
    more = "    tags: {team: shop}\n    run_tags: {priority: high}\n    max_retries: 2\n"
    job = with_jobs(tmp_path, NIGHTLY + more).build().resolve_job_def("nightly")
    assert job.tags == {"team": "shop"}
    of_runs = {"team": "shop", "priority": "high", "dagster/max_retries": "2"}
    assert job.run_tags == of_runs
    with dg.DagsterInstance.ephemeral() as instance:
        run = job.execute_in_process(instance=instance).dagster_run
    assert of_runs.items() <= run.tags.items()


def test_owners_are_shown_without_a_warning_at_the_start(tmp_path: Path) -> None:
    owned = f"{NIGHTLY}    owners: [team:data]\n"
    defs = with_jobs(tmp_path, owned).build()
    dg.Definitions.validate_loadable(defs)
    assert defs.resolve_job_def("nightly").owners == ["team:data"]


def test_the_run_config_of_a_job_is_that_of_its_runs(tmp_path: Path) -> None:
    config = "    run_config: {resources: {duckdb: {config: {database: data/other.db}}}}\n"
    job = with_jobs(tmp_path, NIGHTLY + config).build().resolve_job_def("nightly")
    assert job.run_config is not None
    assert job.run_config["resources"]["duckdb"]["config"]["database"] == "data/other.db"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            "    run_config: {resources: {duckbd: {config: {}}}}\n",
            ":28:5: the run_config does not fit the job 'nightly': "
            'Received unexpected config entry "duckbd"',
        ),
        ("    tags: {'no good': x}\n", ":28:12: 'no good' cannot be the key of a tag\n  Use at"),
        ("    owners: [nobody]\n", ":28:5: the job 'nightly' is not possible: "),
        ("    max_retries: -1\n", ":28:5: 'max_retries' is not valid"),
        ("    executor: threads\n", ":28:5: 'executor' cannot be 'threads'"),
        (
            "    executor: {multiprocess: {max_concurent: 2}}\n",
            ":28:31: unknown key 'max_concurent'\n  Did you mean 'max_concurrent'?",
        ),
    ],
)
def test_what_dagster_refuses_of_a_job_is_told_with_its_place(
    tmp_path: Path, more: str, said: str
) -> None:
    assert f"odp_config/workflows/shop.yaml{said}" in said_of(with_jobs(tmp_path, NIGHTLY + more))


def test_a_job_has_its_executor_and_others_that_of_the_project(tmp_path: Path) -> None:
    jobs = NIGHTLY + NIGHTLY.replace("nightly", "in_two") + (
        "    executor: {multiprocess: {max_concurrent: 2, start_method: forkserver}}\n"
    )  # fmt: skip
    project = with_jobs(tmp_path, jobs)
    project.write("odp_config/dagster_config.yaml", f"executor: in_process\n{CONFIG}")
    defs = project.build()
    assert defs.resolve_job_def("nightly").executor_def is dg.in_process_executor
    assert defs.resolve_implicit_global_asset_job_def().executor_def is dg.in_process_executor
    own = defs.resolve_job_def("in_two").executor_def
    assert own.name == "multiprocess"
    mapped: Any = own.apply_config_mapping({"config": {}})
    config = mapped.value["config"]
    assert config["max_concurrent"] == 2
    assert config["start_method"] == {"forkserver": {}}


def test_tables_that_are_only_made_together_are_selected_together(tmp_path: Path) -> None:
    strict = ORDERS.replace("    params:", "    selection_mode: strict\n    params:")
    jobs = "  - {job_id: nightly, asset_selection: [shop/api/orders__lines]}\n"
    job = with_jobs(tmp_path, jobs, strict).build().resolve_job_def("nightly")
    assert {key.to_user_string() for key in job.asset_layer.selected_asset_keys} == {
        "shop/api/orders",
        "shop/api/orders__lines",
        "shop/api/orders__lines__tags",
    }


def test_one_job_is_not_for_two_kinds_of_partitions(tmp_path: Path) -> None:
    partitions = """
partitions:
  - {assets: [shop/api/orders], params: {start: "2026-01-01", schedule_type: DAILY}}
  - {assets: [mart/lines], params: {start: "2026-01-01", schedule_type: MONTHLY}}
"""
    said = said_of(with_jobs(tmp_path, NIGHTLY, ORDERS + LINES + partitions))
    assert "the job 'nightly' selects assets with different partitions: " in said
    assert "'mart/lines'" in said
    assert "make a job for each kind of partitions" in said
