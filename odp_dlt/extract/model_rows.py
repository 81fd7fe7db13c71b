"""Rows held to a pydantic model: `columns=Model` is also a contract for every row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from odp_dlt.errors import ConfigError, ContractError
from odp_dlt.schema.contract import MODEL_CONTRACT, Entity, Mode, modes_of, shown

_EXTRA: Mapping[Mode, Literal["allow", "ignore", "forbid"]] = {
    "evolve": "allow",
    "discard_value": "ignore",
    "freeze": "forbid",
    "discard_row": "forbid",
}
_OF_MODEL: Mapping[str | None, Mode] = {"allow": "evolve", "forbid": "freeze"}


class ModelColumns(dict[str, dict[str, Any]]):
    """The columns that `model` declares, with the model itself, to hold the rows to."""

    def __init__(self, columns: Mapping[str, dict[str, Any]], model: type[BaseModel]) -> None:
        super().__init__(columns)
        self.model = model

    @property
    def contract(self) -> dict[Entity, Mode]:
        """The contract that comes with the model: what its own `extra` says of further fields."""
        columns = _OF_MODEL.get(self.model.model_config.get("extra"), MODEL_CONTRACT["columns"])
        return {**MODEL_CONTRACT, "columns": columns}


@dataclass(frozen=True)
class ModelRows:
    """Makes the rows of a resource what `columns.model` makes of them: defaults filled, types held.

    `said` is the contract of the resource, if it has one; what that leaves out comes with the
    model. Where both columns and data_type evolve nothing is validated; where only data_type does,
    fields that the model lacks are all that is looked at.
    """

    columns: ModelColumns
    said: object
    resource: str

    @cached_property
    def modes(self) -> dict[Entity, Mode]:
        """The mode of every entity. ConfigError for one that cannot be held."""
        own = self.columns.contract
        at = f"resource '{self.resource}'"
        said = self.said if isinstance(self.said, Mapping) else modes_of(self.said or own, at)
        modes = modes_of({**own, **said}, at)
        if modes["data_type"] == "discard_value":
            raise ConfigError(
                "the contract discards values that do not fit, but columns are a model, which may"
                " need them",
                at=at,
                hint="Set data_type to discard_row, freeze or evolve.",
            )
        return modes

    def held(self, rows: Sequence[Any], rows_before: int) -> list[Any]:
        """`rows` as the model has them, without those that the contract discards.

        ContractError, with the number of the row, after `rows_before` earlier ones, and its field.
        """
        if self.modes["data_type"] == "evolve":
            return self._known_fields(rows, rows_before)
        plain = [_plain(row) for row in rows if row is not None]
        broken: dict[int, list[ErrorDetails]] = {}
        try:
            models = self._validated(plain)
        except ValidationError as e:
            for error in e.errors(include_url=False):
                broken.setdefault(int(error["loc"][0]), []).append(error)
            for index, errors in broken.items():
                for error in errors:
                    self._judge(error, rows_before + index + 1)
            models = self._validated([r for i, r in enumerate(plain) if i not in broken])
        dumped: list[Any] = self._adapter.dump_python(models, by_alias=True)
        if self.modes["columns"] == "evolve":
            return [_with_extras(m, row) for m, row in zip(models, dumped, strict=True)]
        return dumped

    @cached_property
    def _adapter(self) -> TypeAdapter[list[BaseModel]]:
        return TypeAdapter(list[self.columns.model])  # type: ignore[name-defined]

    def _validated(self, rows: list[Any]) -> list[BaseModel]:
        return self._adapter.validate_python(rows, extra=_EXTRA[self.modes["columns"]])

    def _judge(self, error: ErrorDetails, row: int) -> None:
        """ContractError if the contract freezes what `error` speaks of; else the row is dropped."""
        entity: Entity = "columns" if error["type"] == "extra_forbidden" else "data_type"
        if self.modes[entity] == "freeze":
            path = ".".join(str(step) for step in error["loc"][1:])
            self._raise(path, f"{error['msg']}; the value is {shown(error['input'])}", entity, row)

    def _raise(self, path: str, what: str, entity: Entity, row: int) -> None:
        name = self.columns.model.__name__
        field = f"field '{path}'" if path else "the row"
        origin = f"schema_contract={self.said!r}" if self.said else f"columns={name}"
        raise ContractError(
            f"model {name} refuses {field}: {what}",
            at=f"resource '{self.resource}', row {row}",
            hint=f"{entity}: freeze was set by {origin}. Change the data, the model or the mode.",
        )

    def _known_fields(self, rows: Sequence[Any], rows_before: int) -> list[Any]:
        """The rows as they are, but for what the contract says of fields that the model lacks."""
        mode = self.modes["columns"]
        if mode == "evolve":
            return list(rows)
        fields = self.columns.model.model_fields
        known = {*fields, *(field.alias for field in fields.values() if field.alias)}
        kept = []
        for number, each in enumerate((row for row in rows if row is not None), rows_before + 1):
            row = _plain(each)
            more = [key for key in row if key not in known]
            if more and mode == "freeze":
                what = f"it has none of that name; the value is {shown(row[more[0]])}"
                self._raise(str(more[0]), what, "columns", number)
            if not more or mode == "discard_value":
                kept.append({key: value for key, value in row.items() if key in known})
        return kept


def _with_extras(value: Any, dumped: Any) -> Any:
    """`dumped` with the fields that the models in `value` lack, which pydantic leaves out."""
    if isinstance(value, list | tuple):
        return [_with_extras(v, d) for v, d in zip(value, dumped, strict=True)]
    if not isinstance(value, BaseModel):
        return dumped
    fields = type(value).model_fields
    grown = dict(dumped)
    for name, field in fields.items():
        key = field.serialization_alias or field.alias or name
        if key in grown:
            grown[key] = _with_extras(getattr(value, name), grown[key])
    return {**grown, **(value.model_extra or {})}


def _plain(row: Any) -> Any:
    return row.model_dump(by_alias=True) if isinstance(row, BaseModel) else row
