"""Every page can be reached, and every link leads somewhere."""

from pathlib import Path

import pytest
import yaml

from tests.docs.pages import DOCS, ROOT, Page, pages


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_between_pages_resolve(page: Page) -> None:
    broken = []
    for link in page.links():
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = page.file if not path else (page.file.parent / path).resolve()
        if not target.exists() or (anchor and anchor not in Page(target).anchors()):
            broken.append(link)
    assert broken == []


def test_links_of_the_site_stay_inside_of_it() -> None:
    outside = [
        f"{page.name}: {link}"
        for page in pages()
        if page.file.is_relative_to(DOCS)
        for link in page.links()
        if "://" not in link
        and not (page.file.parent / link.partition("#")[0]).resolve().is_relative_to(DOCS)
    ]
    assert outside == []


def test_the_menu_names_every_page_once() -> None:
    menu = yaml.safe_load((DOCS / "mkdocs.yml").read_text())["nav"]
    named = sorted(_files(menu))
    assert named == sorted(str(file.relative_to(DOCS)) for file in DOCS.rglob("*.md"))


def _files(menu: object) -> list[str]:
    if isinstance(menu, str):
        return [menu]
    items = menu.values() if isinstance(menu, dict) else menu if isinstance(menu, list) else []
    return [file for item in items for file in _files(item)]


def test_files_that_pages_name_are_there() -> None:
    missing = [
        f"{page.name}: {name}"
        for page in pages()
        for name in _named_files(page)
        if not (ROOT / name).exists()
    ]
    assert missing == []


def _named_files(page: Page) -> list[str]:
    """Words in backticks that look like a file of this repository."""
    words = page.prose().split("`")[1::2]
    tops = ("odp_dlt/", "tests/", "docs/")
    return [w for w in words if w.startswith(tops) and Path(w).suffix and "NAME" not in w]
