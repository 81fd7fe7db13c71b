"""What Dagster loads: the assets and jobs that the YAML files beside this one describe."""

from pathlib import Path

from odp_dlt.definitions import build_definitions

defs = build_definitions(Path(__file__).parent)
