"""The small changes to rows of `dlt.sources.helpers.transform`: the same here and in dlt."""

from copy import deepcopy
from importlib import import_module
from typing import Any

import pyarrow as pa
import pytest

from odp_dlt.errors import SourceError

BOTH = pytest.mark.parametrize("package", ["dlt", "odp_dlt.dlt"], ids=["dlt", "ours"])


def transform(package: str) -> Any:
    return import_module(f"{package}.sources.helpers.transform")


@BOTH
def test_the_first_rows_are_taken_or_left_out(package: str) -> None:
    lib, helpers = import_module(package), transform(package)

    def left(step: Any) -> list[int]:
        return list(lib.resource([1, 2, 3, 4], name="numbers").add_filter(step))

    assert left(helpers.take_first(3)) == [1, 2, 3]
    assert left(helpers.skip_first(3)) == [4]


ROWS: list[tuple[tuple[Any, ...], Any]] = [
    ((), [1, "two", [3]]),
    (("$.a",), {"a": [[1, 2], [3, 4]], "b": [[5]]}),
    ((["a", "b.c"], "x_"), {"a": [[1]], "b": {"c": [[2, 3]]}}),
    (("nothing",), {"a": 1}),
    (("a[*].m",), {"a": [{"m": [[1]]}, {"m": [[2]]}]}),
]


@pytest.mark.parametrize(("arguments", "row"), ROWS)
def test_lists_are_pivoted_as_in_dlt(arguments: tuple[Any, ...], row: Any) -> None:
    theirs, ours = (
        transform(package).pivot(*arguments)(deepcopy(row)) for package in ("dlt", "odp_dlt.dlt")
    )
    assert ours == theirs


@pytest.mark.parametrize("row", [{"a": 1}, {"a": [1]}])
def test_what_is_no_list_of_lists_is_told(row: Any) -> None:
    with pytest.raises(SourceError, match="pivot: a int at 'a' is no list of lists"):
        transform("odp_dlt.dlt").pivot("a")(row)


@pytest.mark.parametrize("kind", ["table", "batch", "frame"])
def test_rows_get_the_hashes_of_dlt(kind: str) -> None:
    pandas: Any = pytest.importorskip("pandas")
    table = pa.table({"a": [1, 2, None], "b": ["x", None, "z"]})

    def hashed(package: str) -> list[int]:
        given = {
            "table": table,
            "batch": table.to_batches()[0],
            "frame": pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
        }[kind]
        done = transform(package).add_row_hash_to_table("hash")(given)
        column = done["hash"]
        return list(column.to_pylist() if kind != "frame" else column.tolist())

    theirs, ours = hashed("dlt"), hashed("odp_dlt.dlt")
    assert ours == theirs
    assert len(set(ours)) == len(ours)
