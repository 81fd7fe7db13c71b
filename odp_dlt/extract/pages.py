"""The pages of sources, one yield at a time, as the user's generators give them."""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from odp_dlt.errors import OdpError
from odp_dlt.extract import current
from odp_dlt.extract.current import Running
from odp_dlt.extract.failure import failure
from odp_dlt.extract.resource import Resource
from odp_dlt.extract.source import Source
from odp_dlt.settings import Settings


@dataclass(frozen=True)
class Page:
    """What one yield gave: rows as a list, or an Arrow table or record batch as it came."""

    resource: Resource
    source: Source
    rows: Any


@dataclass
class _Stream:
    resource: Resource
    generator: Generator[Any, None, None]
    running: Running
    yields: int = 0

    def advance(self) -> Any:
        """The next rows; StopIteration at the end. The user's code runs in here only."""
        with current.running(self.running):
            try:
                rows = next(self.generator)
            except (StopIteration, OdpError):
                raise
            except Exception as e:
                what = f"resource '{self.resource.name}', at page {self.yields + 1},"
                raise failure(e, what, self.resource.data) from e
        self.yields += 1
        return rows

    def close(self) -> None:
        with current.running(self.running):
            self.generator.close()


def pages(
    sources: Sequence[Source], state: dict[str, Any], settings: Settings, pipeline_name: str
) -> Generator[Page, None, None]:
    """The pages of the selected resources: source after source, in one a yield from each in turn.

    `state` is the pipeline's whole state and is changed in place, so give a copy, and commit it
    with the rows. The state of a resource that replaces its table is cleared first, as in dlt.
    Yields that leave no row give no page. SourceError, with the place, for what the user's code
    raises; generators are closed however this ends.
    """
    for source in sources:
        running = Running(settings, pipeline_name, state, source.name, source.section)
        streams = [_stream(each, running) for each in source.selected_resources.values()]
        with ExitStack() as stack:
            for stream in streams:
                stack.callback(stream.close)
            for stream, rows in _in_turn(streams):
                if not isinstance(rows, list) or rows:
                    yield Page(stream.resource, source, rows)


def _stream(resource: Resource, running: Running) -> _Stream:
    here = replace(running, resource_name=resource.name)
    if resource.hints.disposition == "replace":
        with current.running(here):
            current.resource_state().clear()
    return _Stream(resource, resource.pages(), here)


def _in_turn(streams: Sequence[_Stream]) -> Iterator[tuple[_Stream, Any]]:
    waiting = deque(streams)
    while waiting:
        stream = waiting.popleft()
        try:
            rows = stream.advance()
        except StopIteration:
            continue
        yield stream, rows
        waiting.append(stream)
