"""dbt's selection syntax on a manifest, as far as it can be answered without dbt.

A space joins, a comma intersects. A term is `method:value` with `+` before it for what it needs and
after it for what needs it; a number at the `+` says how far.
"""

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from odp_dlt.errors import ConfigError

_TERM = re.compile(r"(?P<above>\d*\+)?(?:(?P<method>[a-z_.]+):)?(?P<value>.*?)(?P<below>\+\d*)?")

Node = Mapping[str, Any]


def select(manifest: Mapping[str, Any], selection: str) -> set[str]:
    """The unique ids that a selection means, sources and tests among them.

    ConfigError for a method that cannot be answered from the manifest.
    """
    found: set[str] = set()
    for union in selection.split():
        terms = [_term(manifest, term) for term in union.split(",")]
        found |= set.intersection(*terms)
    return found


def _term(manifest: Mapping[str, Any], term: str) -> set[str]:
    match = _TERM.fullmatch(term)
    if match is None or not match["value"]:
        raise ConfigError(f"'{term}' is no selection of dbt")
    method, _, key = (match["method"] or "").partition(".")
    if method not in _METHODS:
        raise ConfigError(
            f"the selection method '{method}' cannot be answered before a run",
            hint=f"Known: {', '.join(sorted(m for m in _METHODS if m))}.",
        )
    value, fits = match["value"], _METHODS[method]
    nodes = {**manifest["nodes"], **manifest.get("sources", {})}
    found = {name for name, node in nodes.items() if fits(node, value, key)}
    return (
        found
        | _reached(manifest["parent_map"], found, match["above"])
        | _reached(manifest["child_map"], found, match["below"])
    )


def _reached(edges: Mapping[str, list[str]], start: set[str], plus: str | None) -> set[str]:
    """What is reached from `start` in as many steps as `plus` says; all, if it says no number."""
    if plus is None:
        return set()
    steps = int(plus.strip("+")) if plus != "+" else None
    found: set[str] = set()
    edge = start
    while edge and (steps is None or steps > 0):
        edge = {other for name in edge for other in edges.get(name, [])} - found
        found |= edge
        steps = None if steps is None else steps - 1
    return found


def _by_fqn(node: Node, value: str, _: str) -> bool:
    """By name, or by the folders down to it, with or without the package in front."""
    fqn, wanted = [str(part) for part in node["fqn"]], value.split(".")
    if node["resource_type"] == "source":
        return False
    if fnmatchcase(fqn[-1], value):
        return True
    return any(
        len(wanted) <= len(own) and all(map(fnmatchcase, own, wanted)) for own in (fqn, fqn[1:])
    )


def _by_path(node: Node, value: str, _: str) -> bool:
    path, wanted = str(node["original_file_path"]), value.removeprefix("./").rstrip("/")
    return path.startswith(f"{wanted}/") or fnmatchcase(path, wanted)


def _by_any(node: Node, value: str, _: str) -> bool:
    """What a value without a method means."""
    in_path = "/" in value and _by_path(node, value, "")
    return in_path or _by_file(node, value, "") or _by_fqn(node, value, "")


def _by_file(node: Node, value: str, _: str) -> bool:
    name = str(node["original_file_path"]).rpartition("/")[2]
    return value in (name, name.rpartition(".")[0]) and node["resource_type"] != "source"


def _by_tag(node: Node, value: str, _: str) -> bool:
    tags = {*node.get("tags", []), *node.get("config", {}).get("tags", [])}
    return any(fnmatchcase(tag, value) for tag in tags)


def _by_source(node: Node, value: str, _: str) -> bool:
    if node["resource_type"] != "source":
        return False
    source, dot, table = value.partition(".")
    own = (str(node["source_name"]), str(node["name"]))
    return fnmatchcase(own[0], source) and (not dot or fnmatchcase(own[1], table))


def _by_config(node: Node, value: str, key: str) -> bool:
    found = node.get("config", {})
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return value in map(str, found) if isinstance(found, list) else str(found).lower() == value


_METHODS: Mapping[str, Callable[[Node, str, str], bool]] = {
    "": _by_any,
    "fqn": _by_fqn,
    "path": _by_path,
    "file": _by_file,
    "tag": _by_tag,
    "source": _by_source,
    "config": _by_config,
    "package": lambda node, value, _: fnmatchcase(str(node["package_name"]), value),
    "resource_type": lambda node, value, _: node["resource_type"] == value,
    "group": lambda node, value, _: node.get("config", {}).get("group") == value,
    "unique_id": lambda node, value, _: node["unique_id"] == value,
}
