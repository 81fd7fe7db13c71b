"""Workflow files become models; a file that is none is refused with its place."""

import os
from pathlib import Path

import pytest

from odp_dlt.errors import ConfigError
from odp_dlt.workflow.load import load_workflow
from tests.workflow.workflow_files import ASSET, error, load


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
    assert str(workflow.partitions[0].origin.at("params", "schedule_type")) == f"{name}:13:7"


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
            "  Did you mean 'assets'? Known: assets, jobs, partitions, soda_checks.",
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
