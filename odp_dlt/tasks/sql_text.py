"""The text of an SQL task: its `query`, or the file that this names."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.tasks.base import Site
from odp_dlt.tasks.params import ParamError, holds_template

_TOKENS = re.compile(
    r"(?P<gap>\s+|--[^\n]*|/\*.*?\*/)|(?P<end>;)"
    r"|(?<!\w)[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\""
    r"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|\w+|.",
    re.DOTALL,
)
_TRANSACTION = re.compile(r"(BEGIN|START|COMMIT|END|ROLLBACK|ABORT)\b", re.IGNORECASE)

Statement = tuple[int, str]  # where it begins in the text, and itself


@dataclass(frozen=True)
class SqlText:
    """SQL, and the file it stands in, if it has one of its own."""

    text: str
    file: Path | None = None

    def at(self, offset: int) -> str | None:
        """Where a place in the text is; None if the text stands in the YAML."""
        if self.file is None:
            return None
        return f"{self.file}:{self.text.count(chr(10), 0, offset) + 1}"

    def refused(self, who: str, error: object, offset: int) -> SourceError:
        """What the database `who` said against the statement at `offset`."""
        return SourceError(f"{who} refuses the SQL: {error}", at=self.at(offset))

    def rendered(self, render: Callable[[str, Path], str]) -> "SqlText":
        """With the templates of the file filled in; those of the YAML are so already."""
        return self if self.file is None else SqlText(render(self.text, self.file), self.file)

    def statements(self) -> list[Statement]:
        """The statements, as the `;` between them divides the text. ConfigError without any, and
        for one that begins or ends a transaction.
        """
        found = list(_split(self.text))
        for offset, text in found:
            if _TRANSACTION.match(text):
                raise ConfigError(
                    f"the SQL holds '{text}', but all of it is one transaction",
                    at=self.at(offset),
                    hint="Leave out BEGIN, COMMIT and ROLLBACK.",
                )
        if not found:
            raise ConfigError("the SQL holds no statement", at=self.at(0))
        return found

    def texts(self) -> Mapping[Path, str]:
        """The file, if there is one, by its path."""
        return {} if self.file is None else {self.file: self.text}


def sql_text(query: str, is_file: bool, site: Site) -> SqlText:
    """`query` itself, or the text of that file; ConfigError if it cannot be read."""
    if not is_file:
        return SqlText(query)
    if holds_template(query):
        raise ParamError(
            "the path of an SQL file cannot be a template of the run: the file is read before it",
            ("query",),
            hint="Templates can stand in the file itself.",
        )
    file = site.root / query
    try:
        return SqlText(file.read_text(encoding="utf-8"), file)
    except OSError as e:
        raise ConfigError(
            f"the SQL file '{query}' cannot be read: {e.strerror}",
            at=file,
            hint=f"A relative path counts from {site.root}.",
        ) from e


def _split(text: str) -> Iterator[Statement]:
    """What stands between `;` that are in no text, name or comment; without gaps around it."""
    start: int | None = None
    stop = 0
    for token in _TOKENS.finditer(text):
        if token["end"]:
            if start is not None:
                yield start, text[start:stop]
            start = None
        elif token["gap"] is None:
            start, stop = token.start() if start is None else start, token.end()
    if start is not None:
        yield start, text[start:stop]
