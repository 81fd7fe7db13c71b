"""A naming convention as dlt's sources ask for it: a class with methods."""

from collections.abc import Sequence
from typing import ClassVar

from odp_dlt.schema.naming import Naming, naming_convention

_NO_LIMIT = 65536


class NamingConvention:
    """snake_case. `max_length` is the longest name, in characters; None for any length."""

    convention: ClassVar[str] = "snake_case"
    PATH_SEPARATOR: ClassVar[str] = "__"

    def __init__(self, max_length: int | None = None) -> None:
        self.max_length = max_length
        self._naming: Naming = naming_convention(self.convention, max_length or _NO_LIMIT)

    def __str__(self) -> str:
        return self.convention

    @classmethod
    def name(cls) -> str:
        """The name by which a schema knows the convention."""
        return cls.convention

    @property
    def is_case_sensitive(self) -> bool:
        """Whether two names can differ by case alone."""
        return self.convention in ("direct", "duck_case", "sql_cs_v1")

    def normalize_identifier(self, identifier: str) -> str:
        """`identifier` as one piece of a name. ValueError if nothing is in it."""
        if not identifier.strip():
            raise ValueError("an identifier is empty")
        return self._naming.identifier(identifier)

    def normalize_table_identifier(self, identifier: str) -> str:
        """The same for a table."""
        return self.normalize_identifier(identifier)

    def normalize_path(self, path: str) -> str:
        """`path` as the name of a column or table, its pieces each normalized."""
        return self._naming.path(path)

    def normalize_tables_path(self, path: str) -> str:
        """The same for tables."""
        return self._naming.path(path)

    def make_path(self, *identifiers: str) -> str:
        """One name of normalized pieces, not shortened."""
        return self.PATH_SEPARATOR.join(each for each in identifiers if each.strip())

    def break_path(self, path: str) -> Sequence[str]:
        """The pieces of a name."""
        return [each for each in path.split(self.PATH_SEPARATOR) if each.strip()]

    def shorten_fragments(self, *normalized_idents: str) -> str:
        """One name of normalized pieces, no longer than `max_length`."""
        return self._naming.join(*normalized_idents)


class Direct(NamingConvention):
    """Names as they are."""

    convention = "direct"
    PATH_SEPARATOR = "▶"


class DuckCase(NamingConvention):
    """Names as they are, on one line."""

    convention = "duck_case"


class SqlCaseInsensitive(NamingConvention):
    """Letters, digits and underscores, in lower case."""

    convention = "sql_ci_v1"


class SqlCaseSensitive(NamingConvention):
    """Letters, digits and underscores."""

    convention = "sql_cs_v1"


def convention_of(name: str) -> NamingConvention:
    """The class for the convention `name`. ConfigError if there is none of that name."""
    short = naming_convention(name).name
    kinds = (NamingConvention, Direct, DuckCase, SqlCaseInsensitive, SqlCaseSensitive)
    return next(kind() for kind in kinds if kind.convention == short)
