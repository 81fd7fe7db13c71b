"""Workflow files become models; everything wrong with them is said at once, with its position."""

import os
from pathlib import Path
from textwrap import dedent

import pytest

from odp_dlt.errors import ConfigError
from odp_dlt.workflow.load import load_workflow
from odp_dlt.workflow.models import Workflow

ASSET_KEYS = "asset_key, depends_on, description, group_name, params, task_type"
ASSET = "assets: [{asset_key: a, task_type: t}]"


def load(tmp_path: Path, **files: str) -> Workflow:
    """The workflow of a project with these files; `a__yaml` is workflows/a.yaml."""
    folder = tmp_path / "odp_config"
    for name, text in files.items():
        stem, suffix = name.rsplit("__", 1)
        home = folder if stem == "dagster_config" else folder / "workflows"
        home.mkdir(parents=True, exist_ok=True)
        (home / f"{stem}.{suffix}").write_text(dedent(text), encoding="utf-8")
    return load_workflow(folder)


def error(tmp_path: Path, **files: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, **files)
    return str(raised.value).replace("odp_config/workflows/", "")


def in_assets(tmp_path: Path, more: str) -> str:
    """The error of a good asset that has `more` beside it on its own lines."""
    text = "assets:\n  - asset_key: a\n    task_type: t\n" + more
    return error(tmp_path, w__yaml=text)


def test_files_in_all_folders_and_spellings_are_merged_in_order(tmp_path: Path) -> None:
    deep = tmp_path / "odp_config" / "workflows" / "deep"
    deep.mkdir(parents=True)
    (deep / "x.yml").write_text("assets: [{asset_key: c, task_type: t}]")
    (deep / "notes.txt").write_text("not read")
    (deep / ".x.yaml").write_text("not: read")
    workflow = load(
        tmp_path,
        a__yaml="assets: [{asset_key: a, task_type: t, params: {n: 1}}]",
        b__json='{"assets": [{"asset_key": "b", "task_type": "t", "depends_on": ["a"]}],'
        ' "jobs": [{"job_id": "j", "asset_selection": ["a+"]}]}',
        p__yaml="partitions: [{assets: [a], params: {start: 2024-01-01, schedule_type: DAILY}}]",
        dagster_config__yml="resources: [{resource_kind: duckdb, params: {path: x.db}}]",
    )
    assert [asset.asset_key for asset in workflow.assets] == ["a", "b", "c"]
    assert workflow.assets[0].params == {"n": 1}
    assert workflow.jobs[0].asset_selection == ["a+"]
    assert workflow.resources[0].params == {"path": "x.db"}
    assert workflow.partitions[0].params.start == "2024-01-01"
    assert workflow.root == tmp_path
    assert workflow.config_dir == tmp_path / "odp_config"


def test_the_root_does_not_depend_on_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(tmp_path, w__yaml=ASSET)
    monkeypatch.chdir(tmp_path)
    workflow = load_workflow(Path("odp_config"))
    assert workflow.root == tmp_path
    monkeypatch.chdir("odp_config")
    assert load_workflow(Path()) == workflow


def test_every_key_and_item_has_its_position(tmp_path: Path) -> None:
    text = """\
    assets:
      - asset_key: a
        task_type: t
        params:
          list:
            - one
            - {two: 2}
    partitions:
      - assets:
          - a
        params:
          start: "2024"
          schedule_type: DAILY
    """
    workflow = load(tmp_path, w__yaml=text)
    at = workflow.assets[0].origin.at
    name = Path("odp_config/workflows/w.yaml")
    assert str(at()) == f"{name}:2:5"
    assert str(at("params", "list", 0)) == f"{name}:6:11"
    assert str(at("params", "list", 1, "two")) == f"{name}:7:12"
    assert at("params", "list", 1, "three") == at("params", "list", 1)
    assert str(workflow.partitions[0].params.origin.at("schedule_type")) == f"{name}:13:7"


def test_json_has_positions_with_tabs_escapes_and_surrogate_pairs(tmp_path: Path) -> None:
    text = (
        '{\n\t"assets": [\n\t\t{"description": "\\ud83d\\ude00 \\/",\n\t\t "asset_key": "a",\n'
        '\t\t "task_type": "t"}\n\t]\n}'
    )
    asset = load(tmp_path, w__json=text).assets[0]
    assert asset.description == "\N{GRINNING FACE} /"
    assert str(asset.origin.at("asset_key")) == "odp_config/workflows/w.json:4:4"


def test_anchors_and_merge_keys_are_resolved(tmp_path: Path) -> None:
    text = """\
    assets:
      - &base
        asset_key: a
        task_type: t
        params: {x: 1}
      - <<: *base
        asset_key: b
    """
    one, two = load(tmp_path, w__yaml=text).assets
    assert (two.asset_key, two.params) == ("b", one.params)
    assert two.origin.at("asset_key").line == 7
    assert two.origin.at("params").line == 5


def test_an_empty_section_is_no_entries(tmp_path: Path) -> None:
    assert load(tmp_path, w__yaml=f"{ASSET}\njobs:\n").jobs == ()


def test_a_missing_configuration_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load_workflow(tmp_path / "nothing")
    assert raised.value.message == f"there is no configuration folder '{tmp_path / 'nothing'}'"
    assert raised.value.hint == "`odp init DIR` makes a project that has one."


@pytest.mark.parametrize(
    ("folder", "lack"),
    [("", "has no folder 'workflows'"), ("workflows", "has no workflow file")],
)
def test_without_workflow_files_the_error_says_what_to_make(
    tmp_path: Path, folder: str, lack: str
) -> None:
    config_dir = tmp_path / "odp_config"
    (config_dir / folder).mkdir(parents=True)
    with pytest.raises(ConfigError) as raised:
        load_workflow(config_dir)
    assert raised.value.message == f"the configuration folder 'odp_config' {lack}"
    assert raised.value.hint == "Make odp_config/workflows/NAME.yaml with `assets:`."


def test_several_resource_files_are_named(tmp_path: Path) -> None:
    said = error(
        tmp_path, dagster_config__yaml="resources: []", dagster_config__json="{}", w__yaml=ASSET
    )
    assert said == (
        "odp_config: there are 2 files of resources: dagster_config.yaml, dagster_config.json\n"
        "  Keep one of them."
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("w__yaml", "assets:\n  - a: b: c\n", "w.yaml:2:9: this is not valid YAML: mapping values"),
        (
            "w__yaml",
            "a: [1",
            "w.yaml:2:1: this is not valid YAML: did not find expected ',' or ']'",
        ),
        (
            "w__yaml",
            "a: !!python/name:os.system x",
            "w.yaml:1:4: this is not valid YAML: could not",
        ),
        ("w__yaml", "a: \x00", "w.yaml:1:1: this is not valid YAML: "),
        ("w__yaml", "a: 1\n---\nb: 2", "w.yaml:2:1: this is not valid YAML: but found another"),
        ("w__yaml", "a: &x [*x]", "w.yaml:1:4: this value holds itself through its own '*' alias"),
        ("w__json", '{"a": 1,}', "w.json:1:9: this is not valid JSON: "),
        ("w__json", '{\n  "a" 1}', "w.json:2:7: this is not valid JSON: Expecting ':' delimiter"),
        ("w__yaml", "# nothing yet\n", "w.yaml:1:1: the file is empty\n  Fill it, or delete it."),
        ("w__json", "", "w.json:1:1: the file is empty\n  Fill it, or delete it."),
        ("w__yaml", "- a", "w.yaml:1:1: the file must be a mapping, but is a list"),
        (
            "w__yaml",
            "asets: []",
            "w.yaml:1:1: unknown key 'asets'\n"
            "  Did you mean 'assets'? Known: assets, jobs, partitions.",
        ),
        ("w__yaml", "assets: {}", "w.yaml:1:1: 'assets' must be a list, but is a mapping"),
        (
            "w__yaml",
            "assets:\n  - a",
            "w.yaml:2:5: an entry of 'assets' must be a mapping, but is text",
        ),
        (
            "w__yaml",
            "assets: []\nassets: []",
            "w.yaml:2:1: the key 'assets' is written twice; the first is at w.yaml:1:1",
        ),
        (
            "w__json",
            '{"jobs": [], "jobs": []}',
            "w.json:1:14: the key 'jobs' is written twice; the first is at w.json:1:2",
        ),
    ],
)
def test_a_file_that_is_not_one(tmp_path: Path, name: str, text: str, said: str) -> None:
    assert error(tmp_path, **{name: text}).startswith(said)


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    folder = tmp_path / "odp_config" / "workflows"
    folder.mkdir(parents=True)
    (folder / "w.yaml").write_bytes(b"\xff\xfe\xfa")
    said = "odp_config/workflows/w.yaml:1:1: the file is not UTF-8 text: invalid start byte"
    with pytest.raises(ConfigError) as raised:
        load_workflow(folder.parent)
    assert str(raised.value) == said


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is unreadable to root")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    load(tmp_path, w__yaml=ASSET)
    (tmp_path / "odp_config" / "workflows" / "w.yaml").chmod(0)
    with pytest.raises(ConfigError, match="the file cannot be read: Permission denied"):
        load_workflow(tmp_path / "odp_config")


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
            "  Use only letters, digits and '_'.",
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
        "  Did you mean 'params'? Known: params, resource_kind."
    )
    config = config.replace(", param: {}", "")
    said = error(tmp_path, dagster_config__yaml=config, w__yaml=ASSET)
    assert said == (
        "odp_config/dagster_config.yaml:3:4: resource_kind 'duckdb' is used twice; "
        "the first is at odp_config/dagster_config.yaml:2:4"
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
