"""Small changes to rows, for `add_filter` and `add_map` of a resource."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import pyarrow as pa

from odp_dlt.errors import SourceError
from odp_dlt.extract.jsonpath import compile_path
from odp_dlt.settings.credentials import library


def take_first(max_items: int) -> Callable[[Any], bool]:
    """A filter that only the first rows pass. It counts once, so make one for each run."""
    counted = count(1)
    return lambda _row: next(counted) <= max_items


def skip_first(max_items: int) -> Callable[[Any], bool]:
    """A filter that all rows pass but the first. It counts once, so make one for each run."""
    counted = count(1)
    return lambda _row: next(counted) > max_items


def pivot(paths: str | Sequence[str] = "$", prefix: str = "col") -> Callable[[Any], Any]:
    """A map: the lists in the lists at `paths` become dicts of `prefix0`, `prefix1` ….

    `$` is for rows that are lists themselves: each becomes a list of one such dict.
    SourceError where there is anything but a list of lists.
    """
    compiled = [compile_path(path) for path in ([paths] if isinstance(paths, str) else paths)]

    def pivoted(row: Any) -> Any:
        for path in compiled:
            for match in path.find(row):
                lists = [match.value] if match.holder is None else _lists(match.value, path)
                named = [_named(values, prefix, path) for values in lists]
                if match.holder is None:
                    row = named
                else:
                    match.holder[match.key] = named
        return row

    return pivoted


def add_row_hash_to_table(row_hash_column_name: str) -> Callable[[Any], Any]:
    """A map: Arrow tables, record batches and data frames get a column with a hash of each row.

    The hashes are those of pandas, so a dataset that dlt began goes on. ConfigError without it.
    """

    def hashed(table: Any) -> Any:
        hash_of = library("pandas", "pandas").util.hash_pandas_object
        if not isinstance(table, (pa.Table, pa.RecordBatch)):
            hashes = hash_of(table, index=False).values.astype("int64", casting="unsafe")
            table[row_hash_column_name] = hashes
            return table
        hashes = hash_of(table.to_pandas(deduplicate_objects=False), index=False)
        column = pa.Array.from_pandas(hashes, type=pa.int64(), safe=False)
        return table.append_column(row_hash_column_name, column)

    return hashed


def _lists(value: Any, path: object) -> Sequence[Any]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise SourceError(f"pivot: a {type(value).__name__} at '{path}' is no list of lists")
    return value


def _named(values: Any, prefix: str, path: object) -> dict[str, Any]:
    return {f"{prefix}{place}": value for place, value in enumerate(_lists(values, path))}
