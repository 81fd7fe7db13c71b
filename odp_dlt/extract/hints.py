"""What a person says about the table of a resource, checked when it is said."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from odp_dlt.errors import ConfigError
from odp_dlt.extract.model_columns import columns_of_model, is_model
from odp_dlt.extract.model_rows import ModelColumns
from odp_dlt.registry import nearest
from odp_dlt.schema.contract import HINT
from odp_dlt.schema.merging import CDC, DELETE_INSERT, MERGE_STRATEGIES, SCD2, UPSERT, has_key
from odp_dlt.schema.model import DATA_TYPES, DISPOSITIONS, ID, Column, Disposition, Table
from odp_dlt.schema.naming import Naming

_OPTIONS = MappingProxyType(  # key of a merge disposition → hint of the table, as dlt spells it
    {
        "strategy": "x-merge-strategy",
        "boundary_timestamp": "x-boundary-timestamp",
        "deduplicated": "x-stage-data-deduplicated",
        "source_filter": "x-merge-source-filter",
        "destination_scope": "x-merge-destination-scope",
        "skip_unchanged_rows": "x-merge-skip-unchanged-rows",
    }
)
_SCD2_COLUMNS = ("validity_column_names", "active_record_timestamp", "row_version_column_name")
_TAKEN_BY = MappingProxyType(  # option of a merge → the strategies that it is for
    {
        "source_filter": (CDC, DELETE_INSERT, SCD2, UPSERT),
        "destination_scope": (CDC, DELETE_INSERT, SCD2),
        "skip_unchanged_rows": (CDC, UPSERT),
        "row_version_column_name": (CDC, SCD2, UPSERT),
    }
)
_FIELDS = ("name", "data_type", "nullable", "precision", "scale", "timezone", "description")
_FLAGS = frozenset(
    {
        *("primary_key", "merge_key", "row_key", "parent_key", "root_key", "unique", "variant"),
        *("sort", "partition", "cluster", "hard_delete", "dedup_sort", "incremental"),
    }
)
_KEPT = ("schema_contract", "table_format", "file_format", "references")


@dataclass(frozen=True)
class Hints:
    """dlt's table hints. `columns` is raw name → column, every other value as it was given.

    A value may be a function of the row; `of_row` then gives the hints for one row. `nested_hints`
    is path of a nested table (its key, or a tuple of keys) → hints of that table. ConfigError for
    values that dlt would refuse, and for other functions where `table_name` is none.
    """

    table_name: str | Callable[[Any], str] | None = None
    write_disposition: Any = None
    primary_key: Any = None
    merge_key: Any = None
    columns: Any = None
    max_table_nesting: int | None = None
    schema_contract: str | Mapping[str, str] | None = None
    table_format: str | None = None
    file_format: str | None = None
    references: Any = None
    nested_hints: Any = None
    additional_table_hints: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        dynamic = self.dynamic
        if dynamic and not callable(self.table_name):
            raise ConfigError(
                f"{dynamic[0]} is a function of the row, but table_name is not",
                hint="Give a table_name=… that is a function of the row too.",
            )
        if "columns" not in dynamic:
            object.__setattr__(self, "columns", _columns(self.columns))
        if "write_disposition" not in dynamic:
            _check_disposition(self.write_disposition)
        for path, hints in dict(self.nested_hints or {}).items():
            if isinstance(hints, Mapping):
                Hints.of(hints, at=f"nested_hints of {path!r}")

    @classmethod
    def of(cls, given: Mapping[str, Any], at: str | None = None) -> "Hints":
        """Hints from keywords; ConfigError if one is unknown."""
        for name in given:
            if name not in cls.__dataclass_fields__:
                raise ConfigError(
                    f"'{name}' is no hint", at=at, hint=nearest(name, cls.__dataclass_fields__)
                )
        return cls(**given)

    @cached_property
    def dynamic(self) -> list[str]:
        """The names of the hints that are functions of the row."""
        return [name for name, value in self.given() if _is_function(value)]

    def of_row(self, row: Any) -> "Hints":
        """The hints that hold for `row`: functions are called with it."""
        called = {name: getattr(self, name)(row) for name in self.dynamic}
        return replace(self, **called) if called else self

    @property
    def disposition(self) -> Disposition:
        """The write disposition itself, without its options; append unless said otherwise.

        Also where it is a function of the row.
        """
        said = self.write_disposition
        name = said.get("disposition", "merge") if isinstance(said, Mapping) else said
        return "append" if name is None or callable(name) else name

    def given(self) -> Iterator[tuple[str, Any]]:
        """Name and value of the hints that are set."""
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None:
                yield each.name, value

    def updated(self, **given: Any) -> "Hints":
        """These hints with `given` in place: None keeps a hint, an empty value takes it back.

        `columns` are merged, column by column and key by key.
        """
        changes = {name: value for name, value in given.items() if value is not None}
        more = changes.pop("columns", None)
        emptied: tuple[Any, ...] = ("", [], {}, ())
        changes = {k: None if v in emptied else v for k, v in changes.items()}
        if more is not None:
            changes["columns"] = self._merged(_columns(more)) if more not in emptied else None
        return replace(self, **changes)

    def _merged(self, more: Mapping[str, Any] | None) -> dict[str, Any]:
        merged = {name: dict(column) for name, column in (self.columns or {}).items()}
        for name, column in (more or {}).items():
            merged[name] = {**merged.get(name, {}), **column}
        holder = next((c for c in (more, self.columns) if isinstance(c, ModelColumns)), None)
        return merged if holder is None else ModelColumns(merged, holder.model)

    def table(self, resource: str, naming: Naming, cursors: Sequence[str] = ()) -> Table:
        """The schema's table: declared columns in their order, then keys, then those of `cursors`.

        Names are normalized. ConfigError if two declared columns would become one.
        """
        columns: dict[str, dict[str, Any]] = {}
        raw_names: dict[str, str] = {}
        for raw, column in (self.columns or {}).items():
            name = naming.path(raw)
            if name in columns:
                raise ConfigError(
                    f"columns '{raw_names[name]}' and '{raw}' would both be named '{name}'",
                    at=f"columns of resource '{resource}'",
                )
            columns[name], raw_names[name] = dict(column), raw
        for raw, hints in self._implied(cursors):
            name = naming.path(raw)
            columns[name] = {**hints, **columns.get(name, {}), **_flags(hints)}
        return Table(
            name=naming.path(str(self.table_name or resource)),
            columns={name: _column(name, hints) for name, hints in columns.items()},
            resource=resource,
            write_disposition=self.disposition,
            max_nesting=self.max_table_nesting,
            hints=self._table_hints(),
        )

    def nested_tables(self, root: Table, naming: Naming) -> list[Table]:
        """The nested tables that `nested_hints` describe, each with its parent, in their order.

        One with a key is no nested table but of the same resource as `root`, with a write
        disposition of its own.
        """
        found = []
        for path, hints in dict(self.nested_hints or {}).items():
            steps = [naming.path(step) for step in ([path] if isinstance(path, str) else path)]
            name = naming.join(root.name, *steps)
            made = replace(Hints.of(hints).table(root.resource or root.name, naming), name=name)
            if has_key(made):
                found.append(made)
                continue
            parent = naming.join(root.name, *steps[:-1]) if steps[:-1] else root.name
            found.append(replace(made, parent=parent, resource=None, write_disposition=None))
        return found

    def _implied(self, cursors: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        for key, hint in ((self.primary_key, "primary_key"), (self.merge_key, "merge_key")):
            for name in names_of(key):
                yield name, {"nullable": False, hint: True}
        yield from self._version_columns()
        for cursor in cursors:
            yield cursor, {"incremental": True}

    def _version_columns(self) -> Iterator[tuple[str, dict[str, Any]]]:
        options = self.write_disposition
        if not isinstance(options, Mapping):
            return
        version = options.get("row_version_column_name")
        if options.get("strategy") != SCD2:
            if version and options.get("skip_unchanged_rows"):
                yield version, {"nullable": False, "x-row-version": True}
            return
        since, until = options.get("validity_column_names") or ("_dlt_valid_from", "_dlt_valid_to")
        moment = {"data_type": "timestamp", "nullable": True}
        active = options.get("active_record_timestamp")
        yield since, {**moment, "x-valid-from": True}
        yield until, {**moment, "x-valid-to": True, "x-active-record-timestamp": active}
        flags = {"nullable": False, "x-row-version": True, "unique": False, "row_key": False}
        yield version or ID, flags

    def _table_hints(self) -> dict[str, Any]:
        options = self.write_disposition if isinstance(self.write_disposition, Mapping) else {}
        hints = {_OPTIONS[key]: value for key, value in options.items() if key in _OPTIONS}
        if isinstance(self.columns, ModelColumns):
            hints[HINT] = self.columns.contract
        hints.update({name: value for name, value in self.given() if name in _KEPT})
        hints.update(self.additional_table_hints or {})
        return hints


def _is_function(value: Any) -> bool:
    return callable(value) and not isinstance(value, type)


def names_of(key: str | Sequence[str] | None) -> list[str]:
    """The column names of a key that may be one name or several."""
    if not key:
        return []
    return [key] if isinstance(key, str) else list(key)


def _flags(hints: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in hints.items() if name not in _FIELDS}


def _column(name: str, hints: Mapping[str, Any]) -> Column:
    own = {key: hints[key] for key in _FIELDS[1:] if key in hints}
    return Column(name=name, hints=_flags(hints), **own)


def _columns(given: Any) -> dict[str, dict[str, Any]] | None:
    if given is None:
        return None
    columns: dict[str, dict[str, Any]]
    if is_model(given):
        columns = ModelColumns(columns_of_model(given), given)
    elif isinstance(given, ModelColumns):
        columns = given
    elif isinstance(given, Mapping):
        columns = {name: {**column, "name": name} for name, column in given.items()}
    elif isinstance(given, Sequence) and not isinstance(given, str):
        columns = {}
        for column in given:
            if "name" not in column:
                raise ConfigError(f"a column without a name in columns: {dict(column)}")
            columns[column["name"]] = dict(column)
    else:
        raise ConfigError(
            f"columns cannot be a {_kind(given)}",
            hint="Give a dict, a list of dicts with names, or a pydantic model.",
        )
    for name, column in columns.items():
        _check_column(name, column)
    return columns


def _kind(given: Any) -> str:
    return f"class ({given.__name__})" if isinstance(given, type) else type(given).__name__


def _check_column(name: str, column: Mapping[str, Any]) -> None:
    for key in column:
        if key not in _FIELDS and key not in _FLAGS and not key.startswith("x-"):
            raise ConfigError(
                f"unknown key '{key}' of column '{name}'", hint=nearest(key, {*_FIELDS, *_FLAGS})
            )
    data_type = column.get("data_type")
    if data_type is not None and data_type not in DATA_TYPES:
        raise ConfigError(
            f"unknown data_type '{data_type}' of column '{name}'",
            hint=nearest(str(data_type), DATA_TYPES),
        )


def _check_disposition(said: str | Mapping[str, Any] | None) -> None:
    if isinstance(said, Mapping):
        known = {"disposition", *_OPTIONS, *_SCD2_COLUMNS}
        for key in said:
            if key not in known:
                raise ConfigError(
                    f"unknown key '{key}' of write_disposition", hint=nearest(key, known)
                )
        strategy = said.get("strategy")
        if strategy is not None:
            _check_strategy(strategy, said)
        said = said.get("disposition", "merge")
    if said is not None and said not in DISPOSITIONS:
        raise ConfigError(
            f"unknown write_disposition '{said}'", hint=nearest(str(said), DISPOSITIONS)
        )


def _check_strategy(strategy: Any, options: Mapping[str, Any]) -> None:
    if strategy not in MERGE_STRATEGIES:
        raise ConfigError(
            f"unknown merge strategy '{strategy}'", hint=nearest(str(strategy), MERGE_STRATEGIES)
        )
    for option, strategies in _TAKEN_BY.items():
        if options.get(option) and strategy not in strategies:
            raise ConfigError(
                f"the merge strategy '{strategy}' has no option '{option}'",
                hint=f"Leave it out, or merge by {', '.join(strategies)}.",
            )
