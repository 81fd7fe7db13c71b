"""The pages of the documentation, as what is in them: fenced blocks, headings, links.

How a block is tested is said by its language. `bash` runs; `python` runs, unless its first line is
a comment with a path: then it is a file, as every `yaml` and `toml` block with such a line is;
`text` after a `bash` block is what that one printed, `…` standing for what is left out. A page is
one sitting in one folder; `<!-- in: … -->` above its first block says what is in it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_BLOCK = re.compile(r"^([ ]*)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"# ([\w./-]+\.\w+)$")
_PLACE = re.compile(r"<!-- in: (\w+) -->")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block; `line` is that of its fence, `path` the file that it is, if it is one."""

    language: str
    text: str
    line: int

    @property
    def path(self) -> str | None:
        found = _PATH.match(self.text.partition("\n")[0])
        return found[1] if found and self.language in ("python", "yaml", "toml") else None


@dataclass(frozen=True)
class Page:
    """One page; `name` is its path from the root of the repository."""

    file: Path

    @property
    def name(self) -> str:
        return str(self.file.relative_to(ROOT))

    @property
    def text(self) -> str:
        return self.file.read_text(encoding="utf-8")

    @property
    def place(self) -> str:
        """What the folder holds in which the page is tried: `nothing`, a `project`, a `clone`."""
        found = _PLACE.search(self.text)
        return found[1] if found else "nothing"

    def blocks(self) -> Iterator[Block]:
        for found in _BLOCK.finditer(self.text):
            indent, language, content = found.groups()
            line = self.text.count("\n", 0, found.start()) + 1
            plain = "".join(row.removeprefix(indent) for row in content.splitlines(keepends=True))
            yield Block(language, plain, line)

    def prose(self) -> str:
        """The text without its blocks."""
        return _BLOCK.sub("", self.text)

    def links(self) -> Iterator[str]:
        for found in _LINK.finditer(self.prose()):
            yield found[1]

    def anchors(self) -> set[str]:
        """The names by which links reach its headings."""
        heads = (found[1].lower() for found in _HEADING.finditer(self.prose()))
        return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", head)).strip("-") for head in heads}


def pages() -> list[Page]:
    """The README and all pages of docs/, but those that other tests look after."""
    found = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
    return [Page(file) for file in found if file.name != "dlt-compatibility.md"]
