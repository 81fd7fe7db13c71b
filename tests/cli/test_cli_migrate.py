import json
from pathlib import Path

from click.testing import CliRunner, Result

from odp_dlt.cli.main import odp

WORKFLOW = "odp_config/workflows/shop.yaml"


def call(*words: str) -> Result:
    return CliRunner().invoke(odp, ["migrate", *words])


def test_changes_are_told_first_and_written_when_asked(shop: Path) -> None:
    file = shop / WORKFLOW
    before = file.read_text()
    file.write_text(before + "    retries: 3\n")
    told = call()
    assert told.exit_code == 0, told.stderr
    assert "'retries' never had an effect in dagster-odp" in told.stdout
    assert "1 change to write with `odp migrate --write`. Then: odp validate" in told.stdout
    assert file.read_text() == before + "    retries: 3\n"
    assert call("--write").exit_code == 0
    assert file.read_text() == before + "    # retries: 3\n"
    assert CliRunner().invoke(odp, ["validate"]).exit_code == 0
    assert call().stdout == "Nothing to change. Next: odp validate\n"


def test_what_is_left_to_decide_is_the_exit_code_and_a_program_can_read_it(shop: Path) -> None:
    file = shop / WORKFLOW
    file.write_text(file.read_text().replace("destination: duckdb", "destination: bigquery", 1))
    result = call("--output", "json")
    assert result.exit_code == 2
    (change,) = json.loads(result.stdout)["changes"]
    assert change["by_hand"] is True
    assert change["at"].startswith(f"{WORKFLOW}:")


def test_the_files_of_other_tools_in_the_folder_stay_as_they_are(shop: Path) -> None:
    checks = shop / "odp_config/soda/scans/orders.yml"
    checks.parent.mkdir(parents=True)
    checks.write_text("checks for orders:\n  - row_count > 0\n")
    assert call("--write").stdout == "Nothing to change. Next: odp validate\n"
    assert checks.read_text() == "checks for orders:\n  - row_count > 0\n"
