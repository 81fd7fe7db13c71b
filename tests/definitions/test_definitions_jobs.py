from pathlib import Path

import dagster as dg
import pytest

from odp_dlt.errors import ConfigError
from tests.definitions.shop_project import LINES, ORDERS, shop


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
