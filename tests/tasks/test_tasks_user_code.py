import sys
from pathlib import Path

import pytest

from odp_dlt.tasks.user_code import user_code


def write(folder: Path, **modules: str) -> Path:
    for name, code in modules.items():
        file = folder / f"{name.replace('_0_', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code)
    return folder


def test_the_modules_of_a_project_import_each_other(tmp_path: Path) -> None:
    write(
        tmp_path,
        shop_0_source="import shop.rows\nfrom shop import names\nfrom .rows import ROWS\n"
        "from . import names as same\nVALUE = (shop.rows.ROWS, ROWS, names.NAME, same is names)",
        shop_0_rows="from common.numbers import ONE\nROWS = [ONE]",
        shop_0_names="NAME = 'n'",
        common_0___init__="",
        common_0_numbers="ONE = 1",
    )
    assert user_code(tmp_path).load("shop.source").VALUE == ([1], [1], "n", True)


def test_imports_inside_of_functions_work_after_the_load(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="def later():\n    import dlt\n    import b\n    return dlt, b.VALUE",
        b="VALUE = 2",
    )
    dlt, value = user_code(tmp_path).load("a").later()
    assert (dlt.__name__, value) == ("odp_dlt.dlt", 2)


def test_dlt_means_this_packages_inside_a_project_alone(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="import dlt\nimport dlt.sources\nfrom dlt.sources import incremental\n"
        "NAMES = (dlt.__name__, dlt.sources.__name__, incremental.__module__)",
    )
    before = sys.modules.get("dlt")
    names = user_code(tmp_path).load("a").NAMES
    assert names[:2] == ("odp_dlt.dlt", "odp_dlt.dlt.sources")
    assert names[2].startswith("odp_dlt.")
    assert sys.modules.get("dlt") is before


def test_two_projects_in_one_process_do_not_see_each_other(tmp_path: Path) -> None:
    paths = list(sys.path)
    for name in ("one", "two"):
        write(
            tmp_path / name,
            source="from rows import NAME\nimport rows\nBOTH = NAME, rows.NAME",
            rows=f"NAME = '{name}'",
        )
    write(tmp_path / "two", only_here="")
    assert user_code(tmp_path / "one").load("source").BOTH == ("one", "one")
    assert user_code(tmp_path / "two").load("source").BOTH == ("two", "two")
    with pytest.raises(ModuleNotFoundError, match="only_here"):
        user_code(tmp_path / "one").load("only_here")
    assert sys.path == paths
    assert "rows" not in sys.modules


def test_a_folder_does_not_hide_an_installed_package_of_its_name(tmp_path: Path) -> None:
    write(
        tmp_path,
        json_0_source="from json import dumps\nimport json\nVALUE = json.dumps(dumps([1]))",
    )
    assert user_code(tmp_path).load("json.source").VALUE == '"[1]"'


def test_a_module_is_executed_once_and_again_after_it_failed(tmp_path: Path) -> None:
    write(tmp_path, a="import b", b="raise RuntimeError('broken')")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken"):
            user_code(tmp_path).load("a")
    write(tmp_path, b="ROWS = []")
    assert user_code(tmp_path).load("a").b is user_code(tmp_path).load("b")


def test_classes_of_a_project_find_their_own_module(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="from dataclasses import dataclass\nfrom pydantic import BaseModel\n\n\n@dataclass\n"
        "class A:\n    n: 'int'\n\n\nclass B(BaseModel):\n    a: 'list[C]'\n\n\n"
        "class C(BaseModel):\n    n: int",
    )
    module = user_code(tmp_path).load("a")
    assert sys.modules[module.A.__module__] is module
    assert module.B(a=[{"n": 1}]).a[0].n == module.A(1).n
