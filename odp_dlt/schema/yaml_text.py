"""Schema files are long and plain, and each process that loads definitions reads them all.

PyYAML resolves and constructs each scalar anew, in Python, although a schema repeats a few words
thousands of times. Here each distinct one is resolved once.
"""

from typing import Any

import yaml

_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(content: bytes) -> Any:
    """What `yaml.safe_load` makes of `content`. Raises yaml.YAMLError for what is no YAML."""
    loader = _Loader(content)
    try:
        return _Plain(loader).document()
    except _NotPlain:
        return yaml.load(content, Loader=_Loader)
    finally:
        loader.dispose()


class _NotPlain(Exception):  # noqa: N818 - no error: the way for plain files ends here
    """Anchors, tags and merge keys are left to PyYAML."""


class _Plain:
    """The values of one document, made of the parser's events."""

    def __init__(self, loader: Any) -> None:
        self._event = loader.get_event
        self._loader = loader
        self._known: dict[str, Any] = {}

    def document(self) -> Any:
        """The one document of the stream; None if it is empty."""
        self._event()  # the stream's start
        if not isinstance(self._event(), yaml.DocumentStartEvent):
            return None
        value = self._value(self._event())
        self._event()  # the document's end
        if not isinstance(self._event(), yaml.StreamEndEvent):
            raise _NotPlain
        return value

    def _value(self, event: Any) -> Any:
        if isinstance(event, yaml.AliasEvent) or event.anchor or event.tag:
            raise _NotPlain
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return list(self._items(yaml.SequenceEndEvent))
        found = {}
        items = self._items(yaml.MappingEndEvent)
        for key in items:  # keys and values come in turns
            if key == "<<" or isinstance(key, dict | list):
                raise _NotPlain
            found[key] = next(items)
        return found

    def _items(self, end: type[yaml.Event]) -> Any:
        while not isinstance(event := self._event(), end):
            yield self._value(event)

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        if not event.implicit[0]:
            return event.value
        if event.value not in self._known:
            tag = self._loader.resolve(yaml.ScalarNode, event.value, (True, False))
            node = yaml.ScalarNode(tag, event.value)
            self._known[event.value] = self._loader.construct_object(node)
        return self._known[event.value]
