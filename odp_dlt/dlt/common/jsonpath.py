"""Paths into nested values."""

from odp_dlt.extract.jsonpath import (
    JsonPath,
    TAnyJsonPath,
    TJsonPath,
    compile_path,
    compile_paths,
    delete_matches,
    find_values,
    resolve_paths,
    set_value_at_path,
)
from odp_dlt.extract.jsonpath import JsonPath as JSONPath

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = [
    "JSONPath",
    "JsonPath",
    "TAnyJsonPath",
    "TJsonPath",
    "compile_path",
    "compile_paths",
    "delete_matches",
    "find_values",
    "resolve_paths",
    "set_value_at_path",
]
