"""Files written for dagster-odp are changed where they must, and nowhere else."""

from pathlib import Path

import pytest
import yaml

from odp_dlt.errors import ConfigError
from odp_dlt.tasks.dlt import Dlt
from odp_dlt.tasks.run_params import RunParams
from odp_dlt.workflow import migration
from odp_dlt.workflow.migration import Change

ODP = """\
# Weather of the last days
assets:
  - asset_key: weather/api/forecast   # the first part is the source
    task_type: dlt
    owners: [team:weather]
    retries: 3
    description: null
    params:
      source_module: weather.source
      schema_file_path: weather.schema.yaml
      destination: duckdb
      loader:
        # how many at once
        workers: 3
      # where it goes
      pipeline_params: {dataset_name: weather_data}
jobs:
  - job_id: weather
    asset_selection: [weather/api/forecast*]
    triggers:
      - trigger_id: nightly
        trigger_type: schedule
        params:
          schedule_kind: cron
          schedule_params:
            cron_schedule: "0 3 * * *"
            timezone: Europe/Oslo
      - trigger_id: files
        trigger_type: sensor
        params:
          sensor_kind: gcs_sensor
          sensor_params: {bucket_name: b, path_prefix: in/}
"""
OURS = """\
# Weather of the last days
assets:
  - asset_key: weather/api/forecast   # the first part is the source
    task_type: dlt
    owners: [team:weather]
    # retries: 3
    # description: null
    params:
      source_module: weather.source
      schema_file_path: weather.schema.yaml
      destination: duckdb
      # loader:
      #   # how many at once
      #   workers: 3
      # where it goes
      pipeline_params: {dataset_name: weather_data}
jobs:
  - job_id: weather
    asset_selection: [weather/api/forecast*]
    triggers:
      - trigger_id: nightly
        trigger_type: schedule
        params:
          schedule_kind: cron
          schedule_params:
            cron_schedule: "0 3 * * *"
            # timezone: Europe/Oslo
      - trigger_id: files
        trigger_type: sensor
        params:
          sensor_kind: gcs_sensor
          sensor_params: {bucket_name: b, path_prefix_filter: in/}
"""


def migrated(text: str, name: Path) -> tuple[str, list[Change]]:
    return migration.migrated(
        text, name, dlt_params=Dlt.model_fields, run_params=RunParams.model_fields
    )


def test_keys_without_effect_become_comments_and_the_rest_stays_as_it_is() -> None:
    text, changes = migrated(ODP, Path("w.yaml"))
    assert text == OURS
    assert [f"{one.at}: {one.said}" for one in changes] == [
        "w.yaml:6:5: 'retries' never had an effect in dagster-odp, and is an error here",
        "w.yaml:7:5: 'description' says nothing",
        "w.yaml:12:7: the param 'loader' never had an effect in dagster-odp",
        "w.yaml:27:13: 'timezone' never had an effect on a cron schedule; here the trigger has "
        "`execution_timezone`",
        "w.yaml:32:43: 'path_prefix' is `path_prefix_filter`",
    ]
    assert not any(one.by_hand for one in changes)


def test_what_is_migrated_needs_no_more_changes() -> None:
    assert migrated(OURS, Path("w.yaml")) == (OURS, [])


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            "run_params: {primary_key: id}",
            "`run_params.primary_key` belongs to the source: @dlt.resource(primary_key=…)",
        ),
        (
            "destination: bigquery",
            "the destination 'bigquery' is not there; load to files and copy them from there",
        ),
    ],
)
def test_what_a_person_must_decide_is_told_and_left(entry: str, said: str) -> None:
    text = f"assets:\n  - asset_key: a/b\n    task_type: dlt\n    params:\n      {entry}\n"
    after, (change,) = migrated(text, Path("w.yaml"))
    assert (after, change.said, change.by_hand) == (text, said, True)


def test_the_file_of_duckdb_had_another_name() -> None:
    asset = "assets:\n  - asset_key: a/b\n    task_type: dlt\n    params:\n"
    place = "      destination: {}\n      destination_params: {{{}: data/a.db}}\n"
    text, (change,) = migrated(asset + place.format("duckdb", "credentials"), Path("w.yaml"))
    assert text == asset + place.format("duckdb", "database")
    assert (change.said, change.by_hand) == ("'credentials' is `database`", False)
    other = asset + place.format("filesystem", "credentials")
    assert migrated(other, Path("w.yaml")) == (other, [])


def test_a_key_that_begins_an_item_is_left_to_a_person() -> None:
    text = "assets:\n  - retries: 3\n    asset_key: a\n    task_type: t\n"
    after, (change,) = migrated(text, Path("w.yaml"))
    assert (after, change.by_hand) == (text, True)
    assert change.said.endswith(": take it out")


def test_the_result_is_the_same_yaml_without_what_was_left_out() -> None:
    before, after = yaml.safe_load(ODP), yaml.safe_load(migrated(ODP, Path("w.yaml"))[0])
    asset = before["assets"][0]
    del asset["retries"], asset["description"], asset["params"]["loader"]
    triggers = before["jobs"][0]["triggers"]
    del triggers[0]["params"]["schedule_params"]["timezone"]
    sensor = triggers[1]["params"]["sensor_params"]
    sensor["path_prefix_filter"] = sensor.pop("path_prefix")
    assert after == before


def test_what_is_no_yaml_is_said() -> None:
    with pytest.raises(ConfigError, match=r"w\.yaml: this is not valid YAML"):
        migrated("a: [1", Path("w.yaml"))


@pytest.mark.parametrize("name", sorted(RunParams.model_fields))
def test_what_a_run_takes_here_belongs_to_no_source(name: str) -> None:
    params = f"{{run_params: {{{name}: x}}}}"
    text = f"assets:\n  - asset_key: a/b\n    task_type: dlt\n    params: {params}\n"
    assert migrated(text, Path("w.yaml")) == (text, [])
