"""A YAML or JSON file becomes values, with the line and column of every key and item."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from odp_dlt.errors import ConfigError
from odp_dlt.workflow.entry import Origin, Position

KeyPath = tuple[str | int, ...]

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


@dataclass(frozen=True)
class Document:
    """The content of one file. A mapping's member stands where its key does.

    `problems` are those that leave the content readable: keys written twice.
    """

    value: Any
    origin: Origin
    problems: tuple[ConfigError, ...] = ()


class _Loader(yaml.CSafeLoader):
    """YAML as it is, but `2024-01-01` stays the text that was written."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way to say it
        first: [(tag, form) for tag, form in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def read(file: Path, name: Path) -> Document:
    """The content of `file`, called `name` in positions. ConfigError if it cannot be read."""
    start = Position(name, 1, 1)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as e:
        raise ConfigError(f"the file is not UTF-8 text: {e.reason}", at=start) from e
    except OSError as e:
        raise ConfigError(f"the file cannot be read: {e.strerror}", at=start) from e
    document = _read_json(text, name) if file.suffix == ".json" else _read_yaml(text, name)
    if document.value is None:
        raise ConfigError("the file is empty", at=start, hint="Fill it, or delete it.")
    return document


def part_of(file: Path, name: Path, path: KeyPath, value: Any) -> Document:
    """The part at `path` of that document of `file` in which `value` stands there.

    Of positions there is only the file's start if no document has it: when something filled in
    what the file says before `value` came of it.
    """
    for document in _documents(file.read_text(encoding="utf-8-sig"), name):
        found = document.value
        for part in path:
            found = found.get(part) if isinstance(found, dict) else None
        if found == value:
            places = document.origin.positions
            inner = {key[len(path) :]: at for key, at in places.items() if key[: len(path)] == path}
            return Document(value, Origin(inner or {(): Position(name, 1, 1)}))
    return Document(value, Origin({(): Position(name, 1, 1)}))


def _documents(text: str, name: Path) -> Iterator[Document]:
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            assert node is not None, "the loader has said that there is one"
            yield Document(loader.construct_document(node), _origin(loader, node, name))
    finally:
        loader.dispose()


def _read_yaml(text: str, name: Path) -> Document:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Document(None, Origin())
        problems = tuple(_repeated_keys(node, name, set(), ()))  # before merge keys are resolved
        value = loader.construct_document(node)
        origin = _origin(loader, node, name)
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        at = Position(name, 1, 1) if mark is None else _position(mark, name)
        raise ConfigError(f"this is not valid YAML: {e.problem or e.context}", at=at) from e
    except (yaml.YAMLError, ValueError) as e:
        reason = str(e).splitlines()[0]
        raise ConfigError(f"this is not valid YAML: {reason}", at=Position(name, 1, 1)) from e
    finally:
        loader.dispose()
    return Document(value, origin, problems)


def _read_json(text: str, name: Path) -> Document:
    """JSON decides about values and errors; YAML, which can read most of it, about positions."""
    if not text.strip():
        return Document(None, Origin())
    try:
        value = json.loads(text)
    except json.JSONDecodeError as e:
        at = Position(name, e.lineno, e.colno)
        raise ConfigError(f"this is not valid JSON: {e.msg}", at=at) from e
    # YAML knows no surrogate pairs; any other character of the same width leaves positions alone
    loader = _Loader(_SURROGATE.sub(r"\\u2026", text))
    try:
        node = loader.get_single_node()
        assert node is not None, "JSON that was read is not empty"
        problems = tuple(_repeated_keys(node, name, set(), ()))
        origin = _origin(loader, node, name)
    except yaml.YAMLError:
        return Document(value, Origin({(): Position(name, 1, 1)}))
    finally:
        loader.dispose()
    return Document(value, origin, problems)


def _position(mark: Any, name: Path) -> Position:
    return Position(name, mark.line + 1, mark.column + 1)


def _origin(loader: _Loader, node: yaml.Node, name: Path) -> Origin:
    places = {path: _position(mark, name) for path, mark in _places(loader, node, ())}
    return Origin({(): _position(node.start_mark, name), **places})


def _places(loader: _Loader, node: yaml.Node, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, loader.construct_object(key, deep=True))
            yield here, key.start_mark
            yield from _places(loader, value, here)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            here = (*path, index)
            yield here, item.start_mark
            yield from _places(loader, item, here)


def _repeated_keys(
    node: yaml.Node, name: Path, seen: set[int], around: tuple[int, ...]
) -> Iterator[ConfigError]:
    """A problem for each key that is written a second time; aliases (`*x`) are looked at once."""
    if id(node) in around:
        at = _position(node.start_mark, name)
        raise ConfigError("this value holds itself through its own '*' alias", at=at)
    if id(node) in seen or not isinstance(node, yaml.CollectionNode):
        return
    seen.add(id(node))
    around = (*around, id(node))
    if isinstance(node, yaml.MappingNode):
        yield from _twice(node, name)
        children = [part for pair in node.value for part in pair]
    else:
        children = node.value
    for child in children:
        yield from _repeated_keys(child, name, seen, around)


def _twice(node: yaml.MappingNode, name: Path) -> Iterator[ConfigError]:
    first: dict[tuple[str, str], Position] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        at = _position(key.start_mark, name)
        same = (key.tag, key.value)
        if same in first:
            yield ConfigError(
                f"the key '{key.value}' is written twice; the first is at {first[same]}", at=at
            )
        first.setdefault(same, at)
