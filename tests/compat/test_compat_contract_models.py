"""Pydantic models as columns: the table, and what becomes of rows that are not like the model."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from odp_dlt.errors import ConfigError, ContractError
from odp_dlt.extract.model_columns import columns_of_model
from odp_dlt.extract.model_rows import ModelColumns, ModelRows
from tests.compat.contract_cases import Case, Step, by_dlt, by_ours
from tests.compat.differences_contract import DIFFERENCES
from tests.compat.oracle import family, plain_rows, unlike


class Item(BaseModel):
    id: int
    name: str | None = None
    count: int = 5


class LargerItem(Item):
    more: int | None = None


class Part(BaseModel):
    q: int
    w: str = "d"


class Deep(BaseModel):
    id: int = Field(alias="TheId")
    part: Part
    parts: list[Part] = []
    maybe: Part | None = None
    free: dict[str, Any] = {}
    at: datetime
    on: date
    amount: Decimal
    kind: Literal["a", "b"]


class Flattened(BaseModel):
    dlt_config: ClassVar[dict[str, bool]] = {"skip_nested_types": True}

    id: int
    part: Part
    parts: list[Part] = []


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: int


DEEP = {
    "TheId": "1",
    "part": {"q": 1, "z": 2},
    "parts": [{"q": 2}],
    "free": {"k": [1]},
    "at": "2024-01-02T03:04:05Z",
    "on": "2024-01-02",
    "amount": "1.5",
    "kind": "a",
}
GOOD, MORE, BAD = {"id": 1}, {"id": 2, "zz": 1}, {"id": "x"}


def held(name: str, contract: Any, *rows: Any, model: type[BaseModel] = Item) -> Case:
    return Case(name, [Step(rows, contract)], {"columns": model})


CASES = [
    held("usual", None, GOOD, MORE, {"id": "7", "count": "3"}),
    held("columns_evolve", {"columns": "evolve"}, GOOD, MORE),
    held("columns_discard_row", {"columns": "discard_row"}, GOOD, MORE),
    held("type_discard_row", {"data_type": "discard_row"}, GOOD, BAD, MORE),
    held("evolve", "evolve", {"id": 1, "count": 1}, {"id": 2, "count": 2, "zz": 1}),
    held("deep", None, DEEP, model=Deep),
    held("deep_evolve", {"columns": "evolve"}, DEEP, model=Deep),
    held("flattened", None, {"id": 1, "part": {"q": 1}, "parts": [{"q": 2}]}, model=Flattened),
    held("open", None, {"id": 1, "z": [1, {"y": 2}]}, model=Open),
    held("instances", None, Item(id=1), Item(id=2, name="b")),
]
REFUSED = [
    held("bad", None, GOOD, BAD),
    held("frozen_columns", {"columns": "freeze"}, GOOD, MORE),
    held("frozen_deep", {"columns": "freeze"}, DEEP, model=Deep),
    held("discarded_value", {"data_type": "discard_value"}, GOOD),
    held("lenient", {"data_type": "evolve", "columns": "freeze"}, GOOD, MORE),
    Case("run", [Step([GOOD, MORE], run={"columns": "freeze"})], {"columns": Item}),
]


def test_models_give_the_tables_and_rows_that_dlt_gives_them(tmp_path: Path) -> None:
    theirs, _ = by_dlt(CASES, tmp_path)
    mine, _ = by_ours(CASES, tmp_path)
    found = {c.name: unlike(family(theirs, c.name), family(mine, c.name)) for c in CASES}
    assert {name: differences for name, differences in found.items() if differences} == {}


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_a_model_refuses_in_dlt_it_refuses_here(case: Case, tmp_path: Path) -> None:
    assert by_dlt([case], tmp_path)[1] == 1
    assert by_ours([case], tmp_path)[1] == 1


def test_a_field_that_a_model_gains_is_loaded(tmp_path: Path) -> None:
    assert "growing-model" in DIFFERENCES
    row = {"id": 2, "more": 3}
    columns = [Item, LargerItem]
    for number, model in enumerate(columns):
        case = Case("grows", [Step([row])], {"columns": model})
        theirs, _ = by_dlt([case], tmp_path)
        mine, failed = by_ours([case], tmp_path)
        assert failed == 0, number
    assert {"id": 2, "more": 3, "count": 5} in plain_rows(mine)["grows"]
    assert "more" not in theirs["grows"].stored["columns"]


def rows_of(model: type[BaseModel], contract: Any = None) -> ModelRows:
    return ModelRows(ModelColumns(columns_of_model(model), model), contract, "items")


def test_the_error_names_row_field_value_and_rule() -> None:
    with pytest.raises(ContractError) as caught:
        rows_of(Item).held([GOOD, BAD], rows_before=10)
    assert caught.value.at == "resource 'items', row 12"
    assert "model Item refuses field 'id'" in caught.value.message
    assert "the value is 'x'" in caught.value.message
    assert "data_type: freeze was set by columns=Item" in str(caught.value)


def test_the_error_names_the_path_of_a_nested_field() -> None:
    with pytest.raises(ContractError, match=r"field 'part\.z'"):
        rows_of(Deep, {"columns": "freeze"}).held([DEEP], 0)


def test_values_cannot_be_discarded_out_of_a_model() -> None:
    with pytest.raises(ConfigError, match="may need them"):
        rows_of(Item, "discard_value").held([GOOD], 0)
