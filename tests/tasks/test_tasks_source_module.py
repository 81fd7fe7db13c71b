from pathlib import Path

import pytest

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.tasks.source_module import locate

ONE = "import dlt\n\n\n@dlt.source\ndef shop():\n    return []\n"
TWO = ONE + "\n\n@dlt.source(name='x')\ndef other():\n    return []\n"


def project(root: Path, code: str = ONE) -> Path:
    (root / "shop").mkdir()
    (root / "shop/source.py").write_text(code)
    return root


def test_a_module_or_a_function_in_it_is_found_without_executing_it(tmp_path: Path) -> None:
    root = project(tmp_path, ONE + "raise RuntimeError\n")
    for name in ("shop.source", "shop.source.shop"):
        code = locate(root, name)
        assert (code.file, code.module, code.line) == (root / "shop/source.py", "shop.source", 5)


def test_the_one_source_of_a_module_is_taken_and_of_several_the_named_one(tmp_path: Path) -> None:
    root = project(tmp_path, TWO)
    assert locate(root, "shop.source.other").factory().name == "x"
    with pytest.raises(ConfigError, match=r"has 2 sources: shop, other(.|\n)*shop\.source\.shop"):
        locate(root, "shop.source")


def test_a_source_that_the_module_imports_is_taken_if_it_has_none_itself(tmp_path: Path) -> None:
    root = project(tmp_path, ONE)
    (root / "again.py").write_text("from shop.source import shop\n")
    (root / "own.py").write_text(f"from shop.source import shop\n{ONE.replace('shop', 'mine')}")
    assert locate(root, "again").factory().name == "shop"
    assert locate(root, "again.shop").factory().name == "shop"
    assert locate(root, "own").factory().name == "mine"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "shop.sorce",
            r"no source module 'shop.sorce': no file .*shop/sorce\.py.*\n.*'shop.source'\?",
        ),
        ("shop.source.shpo", r"no function 'shpo'.*\n.*Did you mean 'shop'\?"),
        ("nothing", r"Known: shop\.source\."),
    ],
)
def test_a_missing_module_or_function_is_told_with_what_is_there(
    tmp_path: Path, name: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        locate(project(tmp_path), name)


@pytest.mark.parametrize(
    ("code", "name", "error", "said"),
    [
        ("x = 1", "shop.source", ConfigError, "no function decorated with @dlt.source"),
        ("def shop(): ...", "shop.source.shop", ConfigError, "'shop' is not a source"),
        ("\n\n1 / 0", "shop.source", SourceError, r"source\.py:3: .*ZeroDivisionError"),
        ("import gone_away", "shop.source", SourceError, r"source\.py:1: .*gone_away"),
    ],
)
def test_what_only_executing_shows_is_told_then(
    tmp_path: Path, code: str, name: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        locate(project(tmp_path, code), name).factory()
