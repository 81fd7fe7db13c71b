"""The manifest of a dataset: which files are its tables. The newest one is what the dataset holds.

It is complete: nobody needs an older one. A load writes its files first and then the manifest, in
one step that fails if there is one of that number already, so a load is visible as a whole or not
at all, and of two loads that began from the same manifest one fails.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, get_args

import orjson
import pyarrow as pa

from odp_dlt.errors import DestinationError
from odp_dlt.schema.model import Column, DataType
from odp_dlt.schema.types import arrow_type

CONTROL = "_odp"
MANIFESTS = f"{CONTROL}/manifests"
PENDING = f"{CONTROL}/pending"
FORMAT_VERSION = 1

_TYPES = frozenset(get_args(DataType))


@dataclass(frozen=True)
class File:
    """One file of a table; `path` counts from the dataset. `keys` are the short values of a record.

    Records are the rows of dlt's own tables: one file each, found by these values.
    """

    path: str
    rows: int
    bytes: int
    keys: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TableFiles:
    """The typed columns of a table, in order, and its files, oldest first."""

    columns: Mapping[str, Column] = field(default_factory=dict)
    files: tuple[File, ...] = ()

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    def arrow_schema(self) -> pa.Schema:
        """The columns as Arrow's; nullable, as files may be older than a column."""
        return pa.schema([(name, arrow_type(column)) for name, column in self.columns.items()])


@dataclass(frozen=True)
class Manifest:
    """What a dataset holds. `version` counts loads; 0 is a dataset that has no manifest.

    `removed` are files that no longer count, with the version that let go of them: they stay until
    the next load, for readers that hold the manifest before it.
    """

    version: int = 0
    token: str = ""
    tables: Mapping[str, TableFiles] = field(default_factory=dict)
    removed: tuple[tuple[str, int], ...] = ()

    def with_tables(self, tables: Mapping[str, TableFiles]) -> "Manifest":
        """This manifest with `tables` replaced by name, or added."""
        return replace(self, tables={**self.tables, **tables})

    def paths(self) -> set[str]:
        """The paths of all files that count."""
        return {file.path for table in self.tables.values() for file in table.files}

    @property
    def name(self) -> str:
        """Its path below the dataset."""
        return f"{MANIFESTS}/{self.version:020d}.json"

    def dump(self) -> bytes:
        """As it is written."""
        content = {
            "manifest_version": FORMAT_VERSION,
            "version": self.version,
            "token": self.token,
            "created_at": datetime.now(UTC).isoformat(),
            "tables": {name: _table(table) for name, table in self.tables.items()},
            "removed": self.removed,
        }
        return orjson.dumps(content, option=orjson.OPT_INDENT_2)

    @classmethod
    def load(cls, data: bytes, at: str) -> "Manifest":
        """What `dump` made `data` of. DestinationError if it was not that."""
        try:
            content = orjson.loads(data)
            if content["manifest_version"] != FORMAT_VERSION:
                raise ValueError(f"its format is {content['manifest_version']}")
            tables = {name: _read_table(each) for name, each in content["tables"].items()}
            removed = tuple((path, version) for path, version in content["removed"])
            return cls(content["version"], content["token"], tables, removed)
        except (ValueError, KeyError, TypeError) as e:
            raise DestinationError(
                f"the manifest cannot be read: {e}",
                at=at,
                hint="Delete it, and the dataset is what it was before that load.",
            ) from e


def manifest_version(path: str) -> int:
    """The version that the name of a manifest says; 0 for another file's."""
    stem = path.rpartition("/")[2].removesuffix(".json")
    return int(stem) if stem.isdigit() else 0


def _table(table: TableFiles) -> dict[str, Any]:
    columns = {
        column.name: {
            key: value
            for key in ("data_type", "nullable", "precision", "scale", "timezone")
            if (value := getattr(column, key)) is not None
        }
        for column in table.columns.values()
    }
    return {"columns": columns, "files": [_file(file) for file in table.files]}


def _file(file: File) -> dict[str, Any]:
    return {key: value for key, value in asdict(file).items() if value != {}}


def _read_table(content: Mapping[str, Any]) -> TableFiles:
    columns = {name: Column(name, **each) for name, each in content["columns"].items()}
    for column in columns.values():
        if column.data_type not in _TYPES:
            raise ValueError(f"column '{column.name}' has the type '{column.data_type}'")
    return TableFiles(columns, tuple(File(**file) for file in content["files"]))
