"""What is wrong in the entries of workflow files is said at once, each with its position."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests.workflow.workflow_files import ASSET, ASSET_KEYS, error, in_assets, load


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            "    parms: {}\n",
            f"w.yaml:4:5: unknown key 'parms'\n  Did you mean 'params'? Known: {ASSET_KEYS}.",
        ),
        (
            "    origin: {}\n",
            f"w.yaml:4:5: unknown key 'origin'\n  Known: {ASSET_KEYS}.",
        ),
        ("  - task_type: t\n", "w.yaml:4:5: the key 'asset_key' is missing"),
        ("    params: secret\n", "w.yaml:4:5: 'params' must be a mapping, but is text"),
        ("    params:\n", "w.yaml:4:5: 'params' must be a mapping, but is empty"),
        (
            "    params: {1: x}\n",
            "w.yaml:4:14: the key 1 of 'params' must be text\n  Put it in quotes.",
        ),
        ("    depends_on: b\n", "w.yaml:4:5: 'depends_on' must be a list, but is text"),
        (
            "    depends_on:\n      - b\n      - 7\n",
            "w.yaml:6:9: 'depends_on.1' must be text, but is a number\n  Put it in quotes.",
        ),
        (
            "    description: yes\n",
            "w.yaml:4:5: 'description' must be text, but is true or false\n  Put it in quotes.",
        ),
        (
            "    params: {x: 1, x: 2}\n",
            "w.yaml:4:20: the key 'x' is written twice; the first is at",
        ),
        (
            "    group_name: my group\n",
            "w.yaml:4:5: group_name 'my group' cannot be a name in Dagster: it holds ' '\n"
            "  Use only letters, digits and '_' between slashes.",
        ),
        (
            "  - {asset_key: x/b-c/d, task_type: t}\n",
            "w.yaml:4:6: asset_key 'x/b-c/d' cannot be a name in Dagster: "
            "its part 'b-c' holds '-'\n  Use only letters, digits and '_' between slashes.",
        ),
        (
            "  - {asset_key: x//d, task_type: t}\n",
            "w.yaml:4:6: asset_key 'x//d' cannot be a name in Dagster: it has an empty part\n",
        ),
        (
            "  - {asset_key: '', task_type: t}\n",
            "w.yaml:4:6: asset_key '' cannot be a name in Dagster: it is empty\n",
        ),
        (
            "  - {task_type: t, asset_key: a}\n",
            "w.yaml:4:20: asset_key 'a' is used twice; the first is at w.yaml:2:5",
        ),
        (
            "jobs:\n- {job_id: j, asset_selection: []}\n- {job_id: j, asset_selection: []}\n",
            "w.yaml:6:4: job_id 'j' is used twice; the first is at w.yaml:5:4",
        ),
        (
            "jobs: [{job_id: a b, asset_selection: []}]\n",
            "w.yaml:4:9: job_id 'a b' cannot be a name in Dagster: it holds ' '\n",
        ),
    ],
)
def test_a_wrong_entry(tmp_path: Path, more: str, said: str) -> None:
    assert in_assets(tmp_path, more).startswith(said)


@pytest.mark.parametrize(
    ("assets", "params", "said"),
    [
        (
            "[ab]",
            "{start: 2024-01-01, schedule_type: DAILY}",
            "w.yaml:5:14: the partition is for asset 'ab', which no workflow file declares\n"
            "  Did you mean 'a'? Known: a.",
        ),
        (
            "[a, a]",
            "{start: 2024-01-01, schedule_type: DAILY}",
            "w.yaml:5:17: asset 'a' has two partitions; the first is at w.yaml:5:14",
        ),
        (
            "[a]",
            "{start: 2024-01-01}",
            "w.yaml:6:5: a partition needs `schedule_type` or `cron_schedule`",
        ),
        (
            "[a]",
            "{start: 2024-01-01, schedule_type: DAILY, cron_schedule: 0 0 * * *}",
            "w.yaml:6:33: a partition has either `cron_schedule` or `schedule_type`, not both",
        ),
        (
            "[a]",
            "{start: 2024-01-01, cron_schedule: 0 0 * * *, hour_offset: 1}",
            "w.yaml:6:59: a partition has either `cron_schedule` or `hour_offset`, not both",
        ),
        (
            "[a]",
            "{start: 2024-01-01, schedule_type: daily}",
            "w.yaml:6:33: 'params.schedule_type' cannot be 'daily'\n"
            "  Did you mean 'DAILY'? Known: DAILY, HOURLY, MONTHLY, WEEKLY.",
        ),
        (
            "[a]",
            "{start: 2024-01-01, schedule_typ: DAILY}",
            "w.yaml:6:33: unknown key 'schedule_typ'\n  Did you mean 'schedule_type'? Known: ",
        ),
        (
            "[a]",
            "{start: 2024-01-01, schedule_type: DAILY, hour_offset: '1'}",
            "w.yaml:6:55: 'params.hour_offset' must be a whole number, but is text",
        ),
        ("[a]", "{schedule_type: DAILY}", "w.yaml:6:5: the key 'params.start' is missing"),
        ("[a]", "DAILY", "w.yaml:6:5: 'params' must be a mapping, but is text"),
        (
            "[a]",
            "{start: 2024, schedule_type: DAILY}",
            "w.yaml:6:14: 'params.start' must be text, but is a number\n  Put it in quotes.",
        ),
    ],
)
def test_a_wrong_partition(tmp_path: Path, assets: str, params: str, said: str) -> None:
    more = f"partitions:\n  - assets: {assets}\n    params: {params}\n"
    assert in_assets(tmp_path, more).startswith(said)


def test_an_asset_cannot_be_in_two_partitions(tmp_path: Path) -> None:
    daily = "partitions: [{assets: [a], params: {start: 2024-01-01, schedule_type: DAILY}}]"
    said = error(tmp_path, v__yaml=daily, w__yaml=f"{ASSET}\n{daily}")
    assert said == "w.yaml:2:24: asset 'a' has two partitions; the first is at v.yaml:1:24"


def test_resources_are_validated_like_the_rest(tmp_path: Path) -> None:
    config = "resources:\n- {resource_kind: duckdb}\n- {resource_kind: duckdb, param: {}}\n"
    said = error(tmp_path, dagster_config__yaml=config, w__yaml=ASSET)
    assert said == (
        "odp_config/dagster_config.yaml:3:27: unknown key 'param'\n"
        "  Did you mean 'params'? Known: name, params, resource_kind."
    )
    config = config.replace(", param: {}", "")
    said = error(tmp_path, dagster_config__yaml=config, w__yaml=ASSET)
    assert said == (
        "odp_config/dagster_config.yaml:3:3: resource 'duckdb' is used twice; "
        "the first is at odp_config/dagster_config.yaml:2:3\n"
        "  Give one of them another `name`; assets choose it under `resources`."
    )


def test_all_problems_of_all_files_are_said_at_once(tmp_path: Path) -> None:
    text = """\
    assets:
      - {asset_key: a, task_type: t}
      - {asset_key: a, task_type: t}
      - {asset_key: b, tsk_type: t}
    partitions:
      - {assets: [b], params: {start: "2024"}}
    """
    said = error(tmp_path, broken__json="{", w__yaml=text)
    assert said == dedent("""\
        5 problems in the workflow files
          broken.json:1:2: this is not valid JSON: Expecting property name enclosed in double quotes
          w.yaml:4:5: the key 'task_type' is missing
          w.yaml:4:20: unknown key 'tsk_type'
            Did you mean 'task_type'? Known: KEYS.
          w.yaml:3:6: asset_key 'a' is used twice; the first is at w.yaml:2:6
          w.yaml:6:19: a partition needs `schedule_type` or `cron_schedule`""").replace(
        "KEYS", ASSET_KEYS
    )


def test_a_faulty_asset_still_counts_as_declared(tmp_path: Path) -> None:
    daily = "partitions: [{assets: [b], params: {start: 2024-01-01, schedule_type: DAILY}}]"
    said = error(tmp_path, w__yaml=f"assets: [{{asset_key: b}}]\n{daily}")
    assert said == "w.yaml:1:10: the key 'task_type' is missing"


def test_json_that_yaml_cannot_read_still_has_the_position_of_its_file(tmp_path: Path) -> None:
    text = '{"assets": [{"asset_key": "a", "task_type": "t", "description": "\x7f"}]}'
    asset = load(tmp_path, w__json=text).assets[0]
    assert asset.description == "\x7f"
    assert str(asset.origin.at("asset_key")) == "odp_config/workflows/w.json:1:1"


def test_keys_that_are_no_text_are_refused_wherever_they_stand(tmp_path: Path) -> None:
    assert error(tmp_path, w__yaml="1: x").startswith("w.yaml:1:1: unknown key '1'")
    said = error(tmp_path, w__yaml="assets: [{asset_key: a, task_type: t, 1: x}]")
    assert said == "w.yaml:1:39: '1' is not valid: Keys should be strings"
    said = error(tmp_path, w__yaml="? [a, b]\n: x")
    assert said == "w.yaml:1:3: this is not valid YAML: found unhashable key"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            "    backfill_policy: single\n",
            "w.yaml:4:5: 'backfill_policy' cannot be 'single'\n"
            "  Did you mean 'single_run'? Known: single_run.",
        ),
        (
            "    backfill_policy: {max_partitions: 3}\n",
            "2 problems in the workflow files\n"
            "  w.yaml:4:5: the key 'backfill_policy.max_partitions_per_run' is missing\n"
            "  w.yaml:4:23: unknown key 'max_partitions'\n"
            "    Did you mean 'max_partitions_per_run'? Known: max_partitions_per_run.",
        ),
        (
            "    automation: {on_crn: '0 0 * * *'}\n",
            "2 problems in the workflow files\n"
            "  w.yaml:4:5: the key 'automation.on_cron' is missing\n"
            "  w.yaml:4:18: unknown key 'on_crn'\n"
            "    Did you mean 'on_cron'? Known: on_cron, timezone.",
        ),
        (
            "    timeout: soon\n",
            "w.yaml:4:5: 'timeout' is not valid: "
            "it must be a span of time such as 90s, 15m, 36h, 2d",
        ),
        (
            "    retry_policy: {max_retries: 0}\n",
            "w.yaml:4:20: 'retry_policy.max_retries' is not valid: "
            "Input should be greater than or equal to 1",
        ),
        (
            "    tables: {a__b: {owner: [x]}}\n",
            "w.yaml:4:21: unknown key 'owner'\n  Did you mean 'owners'? Known: ",
        ),
        (
            "    checks: [{severity: error}]\n",
            "w.yaml:4:14: the key 'checks.0.type' is missing",
        ),
        (
            "    partition: {type: static}\n",
            "w.yaml:4:5: the key 'partition.keys' is missing",
        ),
        (
            "    partition: {type: static, keys: [a], start: '2024-01-01'}\n",
            "w.yaml:4:42: static partitions have no 'start'\n  They have: keys.",
        ),
        (
            "    partition: {dimensions: {day: {start: '2024-01-01', schedule_type: DAILY}}}\n",
            "w.yaml:4:17: partitions have two dimensions, not 1",
        ),
        (
            "jobs:\n- job_id: j\n  asset_selection: [a]\n  triggers:\n"
            "  - {trigger_id: t, trigger_type: schedul, params: {}}\n",
            "w.yaml:8:5: 'triggers.0.trigger_type' cannot be 'schedul'\n"
            "  Did you mean 'schedule'? Known: schedule, sensor.",
        ),
        (
            "jobs:\n- job_id: j\n  asset_selection: [a]\n  triggers:\n"
            "  - {trigger_id: t, trigger_type: schedule, params: {schedule_knd: cron}}\n",
            "w.yaml:8:45: the key 'triggers.0.params.schedule_kind' is missing\n"
            "  Written there: schedule_knd.",
        ),
        (
            "jobs:\n- job_id: j\n  asset_selection: [a]\n  triggers:\n"
            "  - trigger_id: t\n    trigger_type: schedule\n"
            "    params: {schedule_kind: cron, schedule_params: {cron: 1 * * * *}}\n",
            "2 problems in the workflow files\n"
            "  w.yaml:10:35: the key 'triggers.0.params.schedule_params.cron_schedule' is missing\n"
            "  w.yaml:10:53: unknown key 'cron'\n"
            "    Known: cron_schedule, execution_timezone.",
        ),
    ],
)
def test_what_is_wrong_deep_inside_an_entry(tmp_path: Path, more: str, said: str) -> None:
    assert in_assets(tmp_path, more).startswith(said)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1.5h", 5400), ("2d", 172800), ("1w", 604800), ("30", 30)]
)
def test_spans_of_time(tmp_path: Path, text: str, seconds: int) -> None:
    entry = f"assets: [{{asset_key: a, task_type: t, timeout: {text}}}]"
    span = load(tmp_path, w__yaml=entry).assets[0].timeout
    assert span is not None
    assert span.total_seconds() == seconds
