import json
from pathlib import Path

import jsonschema
import yaml
from click.testing import CliRunner

from odp_dlt.cli.main import odp


def test_the_schemas_are_printed_or_written_for_editors(shop: Path) -> None:
    printed = CliRunner().invoke(odp, ["json-schema"])
    written = CliRunner().invoke(odp, ["json-schema", "--write"])

    assert (printed.exit_code, written.exit_code) == (0, 0), written.stderr
    found = json.loads(printed.stdout)
    for name, schema in found.items():
        assert json.loads((shop / "odp_config/.schema" / name).read_text()) == schema
    assert "$schema=../.schema/workflow.schema.json" in written.stdout
    workflow = yaml.safe_load((shop / "odp_config/workflows/shop.yaml").read_text())
    jsonschema.validate(workflow, found["workflow.schema.json"])


def test_the_written_schemas_are_no_workflow_files(shop: Path) -> None:
    CliRunner().invoke(odp, ["json-schema", "--write"])
    assert CliRunner().invoke(odp, ["validate"]).exit_code == 0
