"""What a dataset holds at one moment: its newest manifest, and what dlt loaded beside it since."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import orjson

from odp_dlt.destinations.files.formats import batches
from odp_dlt.destinations.files.layout import Layout
from odp_dlt.destinations.files.manifest import (
    CONTROL,
    MANIFESTS,
    PENDING,
    File,
    Manifest,
    TableFiles,
    manifest_version,
)
from odp_dlt.destinations.files.records import (
    chosen,
    is_record,
    read_record,
    record_columns,
    record_load_id,
)
from odp_dlt.destinations.files.store import Store
from odp_dlt.schema.model import LOADS_TABLE, STATE_TABLE, VERSION_TABLE, Column
from odp_dlt.schema.stored import load_json


@dataclass(frozen=True)
class Intent:
    """What a load that has not committed may leave behind; written before any of it.

    Data files have `token` in their name and are in `folders`; `records` are paths. A load that
    has more to say writes another one, with the next `number`: one that grows could be read torn.
    """

    token: str
    number: int = 0
    folders: tuple[str, ...] = ()
    records: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its path below the dataset."""
        return f"{PENDING}/{self.token}-{self.number:04d}.json"

    def dump(self) -> bytes:
        """As it is written."""
        return orjson.dumps({"folders": self.folders, "records": self.records})

    @classmethod
    def load(cls, path: str, data: bytes) -> "Intent":
        """What `dump` made `data` of."""
        token, _, number = path.rpartition("/")[2].removesuffix(".json").partition("-")
        content = orjson.loads(data)
        return cls(token, int(number), tuple(content["folders"]), tuple(content["records"]))

    def owns(self, path: str) -> bool:
        """Whether a file is this load's."""
        return path in self.records or self.token in path.rpartition("/")[2]


@dataclass(frozen=True)
class Snapshot:
    """`manifest` is the newest one with what dlt added; `intents` are of loads under way or dead.

    `found` is the manifest as it was written: what dlt added is not in it.
    """

    manifest: Manifest
    found: Manifest
    intents: tuple[Intent, ...] = field(default=())


def snapshot(store: Store, layout: Layout) -> Snapshot:
    """What the dataset holds now.

    Looked at in this order, a load that commits meanwhile is seen either not at all or in the
    manifest: its records are there before, its intent until after.
    """
    loads = store.files(LOADS_TABLE)
    intents = read_intents(store)
    manifest = newest_manifest(store)
    known = manifest.tables.get(LOADS_TABLE, TableFiles())
    paths = {file.path for file in known.files} | {path for path, _ in manifest.removed}
    own = {path for intent in intents for path in intent.records}
    foreign = {record_load_id(path) for path in loads if path not in paths and path not in own}
    if not foreign:
        return Snapshot(manifest, manifest, intents)
    adopted = _Adoption(store, layout, manifest, intents).manifest(foreign)
    return Snapshot(adopted, manifest, intents)


def read_intents(store: Store) -> tuple[Intent, ...]:
    """The intents of all loads that have not committed, or not yet tidied up after it."""
    found = []
    for path in store.files(PENDING):
        data = store.read(path) if path.endswith(".json") else None
        if data is not None:
            found.append(Intent.load(path, data))
    return tuple(found)


def newest_manifest(store: Store) -> Manifest:
    """The manifest of the highest version; an empty one if there is none."""
    versions = {manifest_version(path): path for path in store.files(MANIFESTS)}
    versions.pop(0, None)
    if not versions:
        return Manifest()
    path = versions[max(versions)]
    data = store.read(path)
    if data is None:  # many loads later; the one that deleted it has left a newer one
        return newest_manifest(store)
    return Manifest.load(data, f"{store.uri}/{path}")


@dataclass(frozen=True)
class _Adoption:
    """Takes the files of dlt's loads into a manifest, and out of it what dlt has deleted."""

    store: Store
    layout: Layout
    old: Manifest
    intents: tuple[Intent, ...]

    def manifest(self, load_ids: set[str]) -> Manifest:
        """The old manifest as it is after the loads `load_ids`."""
        sizes = self.store.files(deep=True)
        tables = {
            name: replace(table, files=tuple(f for f in table.files if f.path in sizes))
            for name, table in self.old.tables.items()
        }
        new = self._new(sizes)
        for name in (LOADS_TABLE, VERSION_TABLE, STATE_TABLE):
            paths = [path for path in new if path.startswith(f"{name}/")]
            records = tuple(read_record(self.store, path)[0] for path in paths)
            there = tables.get(name, TableFiles(record_columns(name)))
            tables[name] = replace(there, files=there.files + records)
        columns = self._columns(tables[VERSION_TABLE])
        for path in new:
            said = None if is_record(path.partition("/")[0]) else self.layout.read(path)
            if said is None or not (said.load_id is None or said.load_id in load_ids):
                continue
            there = tables.get(said.table, TableFiles())
            typed = {**there.columns, **columns.get(said.table, {})}
            file = File(path, self._rows(path, typed), sizes[path])
            tables[said.table] = TableFiles(typed, (*there.files, file))
        return replace(self.old, tables=tables)

    def _new(self, sizes: Mapping[str, int]) -> list[str]:
        known = self.old.paths() | {path for path, _ in self.old.removed}
        return [
            path
            for path in sizes
            if path not in known
            and not path.startswith(f"{CONTROL}/")
            and not any(intent.owns(path) for intent in self.intents)
        ]

    def _columns(self, versions: TableFiles) -> dict[str, dict[str, Column]]:
        """The typed columns of all tables, by the newest version of every stored schema."""
        rows = {file.path: file.keys for file in versions.files}
        columns: dict[str, dict[str, Column]] = {}
        for name in {str(row.get("schema_name")) for row in rows.values()}:
            [path] = chosen(rows, {"schema_name": name}, "inserted_at")
            schema = load_json(read_record(self.store, path)[1]["schema"], at=path)
            for table in schema.tables.values():
                columns.setdefault(table.name, {}).update(table.typed_columns())
        return columns

    def _rows(self, path: str, columns: Mapping[str, Column]) -> int:
        with self.store.source(path) as source:
            return sum(batch.num_rows for batch in batches(source, path, columns))
